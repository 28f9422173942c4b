import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTex } from './parse.ts';
import { isSameAnswer } from './same-answer.ts';

/** Null where one of them is not understood. */
function isSame(a: string, b: string): boolean | null {
  const [left, right] = [a, b].map((text) => readTex(text, { groupsByComma: false }));
  if (left === null || left === undefined || right === null || right === undefined) return null;
  return isSameAnswer(left, right, (x, y) => x === y);
}

describe('formulas of one value', () => {
  it.each([
    // An argument is a group or one token.
    ['\\frac{14}4', '\\frac72'],
    ['\\frac1{72}', '1/72'],
    ['\\frac{2.5}{5}', '0.5'],
    ['\\frac\\pi2', '\\pi/2'],
    ['\\sqrt[3]2', '2^{1/3}'],
    ['\\sqrt2x', 'x\\sqrt{2}'],
    ['2^\\frac12', '\\sqrt2'],
    ['x^10', 'x^{10}'],
    // Numbers.
    ['3\\times10^5', '300000'],
    ['6.72 \\times 10^{-5}', '.0000672'],
    ['\\frac{1}{-2}', '-\\frac12'],
    ['11 5/6', '\\frac{71}{6}'],
    ['-1\\frac{1}{2}', '-1.5'],
    ['10,\\!080', '10080'],
    ['1{,}234.5', '1234.5'],
    ['0.1\\overline{6}', '\\frac16'],
    ['5!', '120'],
    ['\\binom{5}{2}', '10'],
    ['\\log_2 8', '3'],
    ['\\lfloor 3.7\\rfloor', '3'],
    ['|{-3}|', '3'],
    // Roots, constants, functions.
    ['\\frac1{\\sqrt2}', '\\frac{\\sqrt2}2'],
    ['\\sqrt{8}', '2\\sqrt2'],
    ['\\sqrt{3+2\\sqrt2}', '1+\\sqrt2'],
    ['\\sin 30^\\circ', '\\frac12'],
    ['\\cos\\frac\\pi3', '0.5'],
    ['\\sin^{-1} 1', '\\frac\\pi2'],
    ['\\ln e^2', '2'],
    ['e^{i\\pi}', '-1'],
    ['\\frac{1}{i}', '-i'],
    // Variables.
    ['x+1', '1+x'],
    ['(x+1)^2', 'x^2+2x+1'],
    ['\\frac{x^2-1}{x-1}', 'x+1'],
    ['\\sin^2 x + \\cos^2 x', '1'],
    ['\\sin 2x', '2\\sin x\\cos x'],
    ['\\sqrt{xy}', '\\sqrt x\\sqrt y'],
    ['a_1 + a_2', 'a_2 + a_{1}'],
    // Structures.
    ['y = 2x + 3', '2x + 3 = y'],
    ['5x - 7y = -4', '5x - 7y + 4 = 0'],
    ['x > 5', '5 < x'],
    ['-2 \\le x < 7', 'x \\in [-2,7)'],
    ['x \\ge 2', '[2,\\infty)'],
    ['\\frac{14}{4} = 3.5', '7/2'],
    ['x \\approx 3.14', '3.14'],
    ['\\{3,1\\}', '1, 3'],
    ['\\left(\\frac12, x+1\\right)', '(0.5, 1+x)'],
  ])('%s, %s', (a, b) => {
    expect(isSame(a, b)).toBe(true);
  });

  it.each([
    ['x', 'y'],
    ['3xy', '3'],
    ['x^2', '2x'],
    ['|x|', 'x'],
    ['\\sqrt{x^2}', 'x'],
    ['1.41421356237', '\\sqrt2'],
    ['0.333333333333', '\\frac13'],
    ['30^\\circ', '\\frac\\pi6'],
    ['4210_5', '4210'],
    ['x_1', 'x_2'],
    ['(1,2)', '(2,1)'],
    ['(1,2)', '(1,2]'],
    ['x > 5', 'x \\ge 5'],
    ['x > 5', 'y > 5'],
    ['\\frac{14}{4} = 4', '4'],
    ['5 \\text{ cm}', '5 \\text{ m}'],
    ['10 \\text{ AM}', '10 \\text{ PM}'],
    ['1 \\pm \\sqrt2', '1 + \\sqrt2'],
  ])('%s is not %s', (a, b) => {
    expect(isSame(a, b)).toBe(false);
  });
});

it.each([
  ['2 3'],
  ['\\frac{1}'],
  ['\\frac{1}{'],
  ['3\u20135'],
  ['\\text{even}'],
  ['5 \\text{ dozen}'],
  ['\\int_0^1 x'],
  ['1 \\pm 2 \\pm 3'],
  ['x^'],
  ['(1,2'],
  ['10:30'],
  [''],
])('%j is not understood', (text) => {
  expect(readTex(text, { groupsByComma: false })).toBeNull();
});

describe('hostile formulas', () => {
  const letters = 'abcdfghjklmnopqrstuvwxyzABCDEFGHJKLMNOPQRSTUVWXYZ'.split('');
  it.each([
    ['a tower', '9^{9^{9^9}}'],
    ['a factorial', '99999999999!'],
    ['factorials', '5!!!!!!!!!!'],
    ['a binomial', '\\binom{10^9}{10^8}'],
    ['nesting', `${'('.repeat(5000)}x${')'.repeat(5000)}`],
    ['nested fractions', `${'\\frac1{'.repeat(400)}x${'}'.repeat(400)}`],
    ['nested tuples', `${'(1,'.repeat(300)}1${')'.repeat(300)}`],
    ['minus signs', `${'-'.repeat(5000)}1`],
    ['a long sum', Array.from({ length: 700 }, (_, n) => `x^{${n}}`).join('+')],
    ['many variables', letters.join('+')],
    ['digits', '7'.repeat(50_000)],
    ['a root of a root', '\\sqrt'.repeat(2000)],
    ['a zero divisor', '\\frac{1}{\\sqrt2-\\sqrt2}'],
  ])('%s has no value, and takes no time', (_, formula) => {
    expect(isSame(formula, '1')).not.toBe(true);
    expect(isSame(`${formula}+1`, formula)).not.toBe(true);
  });
});

describe('properties', () => {
  const leaf = fc.oneof(
    fc.integer({ min: -20, max: 20 }).map(String),
    fc.constantFrom('x', 'y', '\\pi', '\\sqrt2', 'i', '\\frac34'),
  );
  const formula = fc.letrec<{ any: string }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.tuple(tie('any'), tie('any')).map(([a, b]) => `\\left(${a}+${b}\\right)`),
      fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(${a})\\cdot(${b})`),
      tie('any').map((a) => `(${a})^2`),
    ),
  })).any;

  it('sums and products commute, and one more is another', () => {
    fc.assert(
      fc.property(formula, formula, (a, b) => {
        expect(isSame(`${a}+(${b})`, `(${b})+(${a})`), `${a} ${b}`).not.toBe(false);
        expect(isSame(`(${a})(${b})`, `(${b})(${a})`), `${a} ${b}`).not.toBe(false);
        expect(isSame(`${a}+1`, a), a).not.toBe(true);
      }),
    );
  });

  it('nothing makes the reader throw', () => {
    const part = fc.constantFrom(
      ...[
        '\\frac',
        '\\sqrt',
        '[',
        ']',
        '{',
        '}',
        '(',
        ')',
        '^',
        '_',
        '|',
        ',',
        '\\pm',
        '\\text{a}',
      ],
      ...[
        '=',
        '<',
        '\\in',
        '\\begin{pmatrix}',
        '\\end{pmatrix}',
        '&',
        '\\\\',
        '1',
        '2.5',
        'x',
        '!',
      ],
      ...['\\log', '\\sin', '%', '\\$', '\\{', '\\}', '\\cup', '\\overline', '-', '\\left', 'cm'],
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 25 }), (parts) => {
        const text = parts.join('');
        isSame(text, text);
        isSame(text, '1');
      }),
      { numRuns: 1000 },
    );
  });
});
