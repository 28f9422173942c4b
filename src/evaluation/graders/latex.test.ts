import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gradeLatex, isSameLatex } from './latex.ts';

describe('answers that look the same', () => {
  it.each([
    ['\\dfrac{3}{4}', '\\frac{3}{4}'],
    ['\\tfrac34', '\\frac{3}{4}'],
    ['\\frac 34', '\\frac{3}{4}'],
    ['\\frac9{19}', '\\frac{9}{19}'],
    ['\\frac{270}7', '\\frac{270}{7}\\text{ degrees}'],
    ['0.5', '\\frac12'],
    ['1/2', '\\frac12'],
    ['.35625', '0.35625'],
    ['-\\frac{1}{2}', '\\frac{-1}{2}'],
    ['1\\frac{4}{5}', '\\frac{9}{5}'],
    ['137 \\frac{1}{2}', '137.5'],
    ['\\sqrt3', '\\sqrt{3}'],
    ['11\\sqrt2', '11 \\sqrt{2}'],
    ['2\\cdot\\sqrt{3}', '2\\sqrt{3}'],
    ['\\sqrt{3}/3', '\\frac{\\sqrt{3}}{3}'],
    ['\\frac{-\\sqrt{3}}{3}', '-\\frac{\\sqrt{3}}{3}'],
    ['90', '90^\\circ'],
    ['90^{\\circ}', '90^\\circ'],
    ['90°', '90 degrees'],
    ['\\$36', '36'],
    ['36\\%', '36'],
    ['x = 5', '5'],
    ['f(x) = 2x', '2x'],
    ['x \\in [-2,7]', '[-2,7]'],
    ['y=2x+3', 'y = 2x + 3'],
    ['\\text{Evelyn}', 'Evelyn'],
    ['\\text{(C)}', 'C'],
    ['\\textbf{east}', '\\text{East}'],
    ['864 \\mbox{ inches}^2', '864'],
    ['864 \\text{ inches}^2', '864 \\mbox{ inches}^{2}'],
    ['5.4 cents', '5.4 \\text{ cents}'],
    ['15 cm^2', '15\\mbox{ cm}^2'],
    ['10,\\!080', '10080'],
    ['11,\\! 111,\\! 111,\\! 100', '11111111100'],
    ['58,500', '58500'],
    ['32{,}348', '\\$32,\\!348'],
    ['\\left( 3, \\frac{\\pi}{2} \\right)', '(3,\\dfrac{\\pi}2)'],
    ['(0.5, 2)', '\\left(\\frac{1}{2}, 2\\right)'],
    ['(-\\infty, 2) \\cup (3, \\infty)', '(3,\\infty)\\cup(-\\infty,2)'],
    ['\\left(\\frac{3}{5},\\frac{8}{3}\\right]', '(0.6,\\frac{8}{3}]'],
    ['1,-2', '-2, 1'],
    ['\\{1,2\\}', '2,1'],
    ['1 \\text{ and } 2', '1,2'],
    ['1 \\pm \\sqrt{19}', '1+\\sqrt{19}, 1-\\sqrt{19}'],
    ['\\pm 3', '3,-3'],
    ['\\{1\\pm\\sqrt{5},-2\\}', '\\{-2, 1-\\sqrt{5}, 1+\\sqrt{5}\\}'],
    ['\\begin{pmatrix} 1/5 \\\\ -18/5 \\end{pmatrix}', '\\begin{bmatrix}0.2\\\\-3.6\\end{bmatrix}'],
    ['4210_{5}', '4210_5'],
    ['x^{2}+1', 'x^2 + 1'],
    ['\\pi r', '\\pi  r'],
    ['18\\pi.', '18 π'],
    ['$\\frac{1}{2}$', '0.5'],
    ['\\(7\\).', '7'],
    ['\\displaystyle\\frac{1}{2}', '\\frac12'],
  ])('%s is %s', (a, b) => {
    expect(isSameLatex(a, b)).toBe(true);
    expect(isSameLatex(b, a)).toBe(true);
  });
});

describe('answers that are not the same', () => {
  it.each([
    ['\\frac{3}{4}', '\\frac{4}{3}'],
    ['(1,2)', '(2,1)'],
    ['(1,2)', '[1,2]'],
    ['(1,2)', '1,2'],
    ['1,2', '1,2,2'],
    ['1,1,2', '1,2,2'],
    ['y = 2', 'x = 2'],
    ['-5', '5'],
    ['2k', '2'],
    ['6 - 5i', '6 + 5i'],
    ['\\sqrt{3}', '3'],
    ['4210_5', '4210'],
    ['x^2', 'x_2'],
    ['\\pi r', '\\pi'],
    ['2\\cdot 3', '23'],
    ['\\begin{pmatrix} 1 & 2 \\end{pmatrix}', '\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}'],
    ['\\text{even}', '\\text{odd}'],
    ['1 \\pm \\sqrt{19}', '1 + \\sqrt{19}'],
    ['', '0'],
  ])('%s is not %s', (a, b) => {
    expect(isSameLatex(a, b)).toBe(false);
    expect(isSameLatex(b, a)).toBe(false);
  });
});

describe('the answer in an output', () => {
  it.each([
    ['Thus \\boxed{\\frac{1}{2}}.', '\\frac12'],
    ['First \\boxed{3}, then \\boxed{\\left(1, \\frac{2}{3}\\right)}.', '(1,\\frac23)'],
    ['The answer is $\\frac{1}{2}$.', '0.5'],
    ['The answer is \\(x = 5\\), as claimed in step 3.', '5'],
    ['The answer is $\\boxed{7}$', '7'],
    ['The answer is 7.', '7'],
    ['The answer is \\$18.90.', '18.9'],
    ['\\boxed{7}\nThe answer is right because of symmetry.', '7'],
    ['\\boxed{7}\nThe answer is correct.', '7'],
    ['Answer: even', '\\text{even}'],
    ['The answer is even.', '\\text{even}'],
    ['The answer is x + 1', 'x+1'],
    ['\\fbox{7}', '7'],
    ['So we get $x = 3 + 4 = 7$.', '7'],
    ['\\[ a = \\frac{1}{2} \\]', '0.5'],
    ['There are 12 ways.', '12'],
    ['#### 12', '12'],
    ['#### Step 1\nThere are 12 ways.', '12'],
    ['\\boxed{12}.\nThe answer is 12 square units, as shown.', '12'],
    ['The answer is 12. There are no others.', '12'],
    ['The answer is 12 because 3 \\cdot 4 = 12.', '12'],
    ['The answer is (1, 2). It lies on the line.', '(1,2)'],
    ['Answer: **12**. There are no others.', '12'],
    ['The answer is 3.\\overline{3}. It never ends.', '3.\\overline{3}'],
    ['The answer is 5! ways.', '5!\\text{ ways}'],
    // The content of a box is read unchanged.
    ['\\boxed{\\text{the same as before. Twice}}', '\\text{the same as before. Twice}'],
  ])('of %j is %s', (output, answer) => {
    expect(gradeLatex(output, answer)).toMatchObject({ isRight: true });
  });

  it.each(['', 'I do not know', '\\boxed{\\frac{1}{2}', '\\boxed{ }'])('is not in %j', (output) => {
    expect(gradeLatex(output, '\\frac{1}{2}')).toMatchObject({ isRight: false, extracted: null });
  });

  it('is reported as it is in the box', () => {
    expect(gradeLatex('\\boxed{\\dfrac{1}{2}}', '1').extracted).toBe('\\dfrac{1}{2}');
  });
});

describe('properties', () => {
  const leaf = fc.oneof(
    fc.integer({ min: -50, max: 50 }).map(String),
    fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).map(([a, b]) => {
      return `\\frac{${a}}{${b}}`;
    }),
    fc.constantFrom('\\pi', '\\sqrt{2}', 'x', '2x+1', '\\infty'),
  );
  const loosely = (value: string): string =>
    value
      .replaceAll('\\frac', '\\dfrac')
      .replaceAll('(', '\\left( ')
      .replaceAll(')', ' \\right)')
      .replaceAll(',', ', \\ ');

  it('tuples and sets equal themselves in every loose spelling', () => {
    const tuple = fc.array(leaf, { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(tuple, (elements) => {
        for (const value of [`(${elements.join(',')})`, elements.join(',')]) {
          expect(isSameLatex(value, loosely(value)), value).toBe(true);
        }
        const set = `\\{${elements.toReversed().join(', ')}\\}`;
        expect(isSameLatex(`\\{${elements.join(',')}\\}`, set), set).toBe(true);
      }),
    );
  });

  it('never throws, whatever is in the box', () => {
    const part = fc.constantFrom(
      '\\frac',
      '\\sqrt',
      '\\text{',
      '{',
      '}',
      '\\',
      '\\pm',
      ',',
      '(',
      ']',
    );
    const noise = fc.array(fc.oneof(part, fc.string({ maxLength: 2 })), { maxLength: 30 });
    fc.assert(
      fc.property(noise, noise, (a, b) => {
        gradeLatex(a.join(''), b.join('') || '1');
        expect(isSameLatex(a.join(''), a.join(''))).toBe(true);
      }),
    );
  });
});
