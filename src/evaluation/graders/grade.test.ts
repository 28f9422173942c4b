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

it('no long output takes forever', () => {
  const parts = [
    ...['The answer is ', '1,', '\\frac{', '\\boxed{', '\\boxed{1}', '= 1 ', '(A) ', '- ', '$1$ '],
    ...['\\(', ' ', '\n', '**', 'Q: ', '<think>', '<answer>', 'B is correct. ', '\\sqrt', '9^'],
  ];
  for (const part of parts) {
    const output = part.repeat(50_000 / part.length);
    for (const kind of KINDS) {
      grade(output, { kind, answer: '1', options: ['1', '2'] });
      grade(`\\boxed{${output}}`, { kind, answer: '1', options: ['1', '2'] });
    }
  }
});

it('says how an answer was read', () => {
  const why = (output: string, kind: AnswerKind = 'number'): string =>
    grade(output, { kind, answer: '7', options: ['7', '8'] }).why;
  expect(why('So \\boxed{7}.')).toBe('the last box');
  expect(why('#### 7')).toBe('the line "#### 7"');
  expect(why('The answer is 7.\nQ: next')).toBe('the claim "The answer is 7."');
  expect(why('**Answer:** 7')).toBe('the label "Answer: 7"');
  expect(why('<answer>7</answer>')).toBe('the last answer tag');
  expect(why('It makes 7.')).toBe('the last sentence with a number');
  expect(why('The answer is 8. I made a mistake. It is 7.')).toBe(
    'the correction after the answer',
  );
  expect(why('The answer is 7 or 8.')).toBe('several answers in one mark');
  expect(why('none')).toBe('no answer found');
  expect(why('<think>7')).toBe('no answer found: the reasoning does not end');
  expect(why('\\boxed{7')).toBe('no answer found: the last box does not end');
  expect(why('I would pick A.', 'choice')).toBe('the claim "I would pick A."');
  expect(why('$x = 7$', 'latex')).toBe('the last formula');
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
