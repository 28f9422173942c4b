import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerKind } from '../question.ts';
import { flawOf, grade } from './grade.ts';

describe('a short text', () => {
  it.each([
    ['The answer is George Washington.', 'george washington'],
    ['It was long ago.\nGeorge   Washington', 'George Washington'],
    ['**Answer:** "The Nile"', 'Nile'],
    ['\\boxed{\\text{Nile}}', 'the Nile'],
    ['#### Step 1\nAnswer: Nile', 'Nile'],
    ['The answer is (a) ready', '(a) ready'],
    // A claim about the answer is not the answer.
    ['Answer: Nile\nI hope this answer is helpful.', 'Nile'],
    ['\\boxed{Nile}\nThe answer is the longest river.', 'Nile'],
    ['The answer is the Amazon. No: the answer is the Nile.', 'Nile'],
    ['The answer is Nile. It is the longest river.', 'Nile'],
    ['The answer is "Nile." It is the longest river.', 'Nile'],
    ['The answer is J. K. Rowling. She wrote it.', 'J. K. Rowling'],
    ['The answer is Dr. Who. He is a lord.', 'Dr. Who'],
    ['The answer is no. He is a lord.', 'no'],
    ['Answer: Yes. But no.', 'Yes. But no.'],
  ])('%j is %s', (output, answer) => {
    expect(grade(output, { kind: 'text', answer })).toMatchObject({ isRight: true });
  });

  it.each([
    ['The answer is George.', 'George Washington'],
    ['', 'Nile'],
    ['**', 'Nile'],
  ])('%j is not %s', (output, answer) => {
    expect(grade(output, { kind: 'text', answer }).isRight).toBe(false);
  });
});

describe('a pocket answer', () => {
  it('is right for the number in an exact final line', () => {
    const question = { kind: 'pocket', answer: '7' } as const;
    expect(grade('Ana has 7.\n\nThe answer is 7.', question)).toMatchObject({
      isRight: true,
      extracted: '7',
    });
    expect(grade('The answer is 8.', question)).toMatchObject({ isRight: false, extracted: '8' });
    expect(grade('\\boxed{7}', question)).toMatchObject({ isRight: false, extracted: null });
  });
});

const KINDS: readonly AnswerKind[] = ['number', 'latex', 'choice', 'text', 'pocket'];

it('an empty output is wrong for every kind', () => {
  for (const kind of KINDS) {
    const question = { kind, answer: kind === 'choice' ? 'A' : '1', options: ['x', 'y'] };
    expect(flawOf(question)).toBeNull();
    expect(grade('', question)).toMatchObject({ isRight: false, extracted: null });
    expect(grade(' \n\n', question)).toMatchObject({ isRight: false, extracted: null });
  }
});

it('no output makes a grader throw', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), fc.string({ unit: 'binary' }), (kind, output) => {
      grade(`The answer is ${output}`, { kind, answer: '1', options: ['1', '2'] });
    }),
  );
});

it('long outputs are read quickly', () => {
  const parts = [
    'The answer is ',
    '1,',
    '\\frac{',
    '\\boxed{1}',
    '= 1 ',
    '(A) ',
    '- ',
    '$1$ ',
    'x',
  ];
  for (const part of parts) {
    const output = part.repeat(20_000 / part.length);
    for (const kind of KINDS) grade(output, { kind, answer: '1', options: ['1', '2'] });
  }
});

describe('a right answer that no output could match', () => {
  it.each([
    ['number', 'eighteen', undefined, 'is not one number'],
    ['pocket', '1.5', undefined, 'is not a whole number'],
    ['choice', 'A', ['x'], 'needs from 2 to 26 options'],
    ['choice', 'C', ['x', 'y'], 'is no option, by letter or text'],
    ['latex', ' ', undefined, 'is empty'],
    ['text', '"."', undefined, 'is empty'],
  ] as const)('is found: %s, %j', (kind, answer, options, flaw) => {
    expect(flawOf({ kind, answer, ...(options && { options }) })).toBe(flaw);
  });
});
