import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gradeChoice, letterOf, rightOption } from './choice.ts';

const CITIES = ['Rome', 'Paris', 'The Hague', 'Paris, Texas'];
const YES_NO = ['Yes', 'No'];

function letterIn(output: string, options: readonly string[]): string | null {
  return gradeChoice(output, 'A', options).extracted;
}

describe('an option in its many forms', () => {
  it.each([
    '(B)',
    '(b)',
    'B',
    'B.',
    'B)',
    '**B**',
    'B. Paris',
    'B: Paris',
    '(B) Paris',
    'Paris',
    'paris.',
    'The answer is B.',
    'The answer is (B).',
    'The answer is **B**',
    'The correct answer is: B) Paris',
    'The answer is Paris.',
    'The answer is option B.',
    'Answer: B',
    '**Answer:** (B) Paris',
    'Answer:\nB',
    'so \\boxed{B}',
    '\\boxed{\\text{(B)}}',
    '#### B',
    'B. Paris\n\nIt has been the capital since 987.',
    'It is not (A). It is (B).',
    'It must be Paris.',
    'The answer is not A but (B).',
    'The answer is A. No, that is wrong. The answer is B.',
    'A. Rome\nB. Paris\nC. The Hague\nThe answer is B because of its size.',
  ])('%j is B', (output) => {
    expect(letterIn(output, CITIES)).toBe('B');
  });

  it.each([
    ['The answer is Paris, Texas.', 'D'],
    ['The answer is the Hague', 'C'],
    ['The answer is A.', 'A'],
    ['The answer is A', 'A'],
  ])('%j is %s', (output, letter) => {
    expect(letterIn(output, CITIES)).toBe(letter);
  });

  it.each([
    '',
    'I do not know.',
    'E',
    'The answer is (F).',
    'The answer is a matter of taste.',
    'The answer is a (rather small) city.',
    'Either (A) or (B).',
    'Rome or Paris',
    'A. Rome\nB. Paris',
    '\\boxed{B',
  ])('%j is none', (output) => {
    expect(letterIn(output, CITIES)).toBeNull();
  });

  it.each([
    ['The answer is yes.', 'A'],
    ['Albany is small. The answer is no.', 'B'],
    ['Yes, because 3 > 2.', 'A'],
    ['No', 'B'],
    ['**No**.', 'B'],
    ['Final answer: Yes', 'A'],
    ['I know nothing.', null],
    ['Yes and no.', null],
  ])('%j is %s where the options are yes and no', (output, letter) => {
    expect(letterIn(output, YES_NO)).toBe(letter);
  });
});

describe('a mark that joins two options', () => {
  it.each([
    'The answer is (A) or (B).',
    'The answer is (A) Rome or (B) Paris.',
    'The answer is Rome and Paris.',
    'The answer is Paris, or Rome, depending on the year.',
    'Answer: (A) and (B)',
    '\\boxed{Rome or Paris}',
  ])('%j is none', (output) => {
    expect(letterIn(output, CITIES)).toBeNull();
  });

  it.each([
    ['The answer is yes and no.', null],
    ['The answer is yes or no, depending on the day.', null],
    ['The answer is no, and no one knows why.', 'B'],
  ])('%j is %s where the options are yes and no', (output, letter) => {
    expect(letterIn(output, YES_NO)).toBe(letter);
  });

  it.each([
    'The answer is Paris, and Rome is not.',
    'The answer is Paris and its suburbs.',
    'The answer is (B) or, in words, Paris.',
    'The answer is (B) Paris and not (A) Rome.',
  ])('%j joins none', (output) => {
    expect(letterIn(output, CITIES)).toBe('B');
  });

  it('may be an option itself', () => {
    expect(letterIn('The answer is salt and pepper.', ['salt', 'pepper', 'salt and pepper'])).toBe(
      'C',
    );
  });
});

it('an option that is a number is not found inside a longer number', () => {
  const numbers = ['1', '2', '5'];
  for (const other of ['1.5', '1,000', '1/2', '1:30', '-1', '0.5', '10']) {
    expect(letterIn(`The answer is ${other}.`, numbers), other).toBeNull();
  }
  expect(letterIn('The answer is 1.', numbers)).toBe('A');
  expect(letterIn('The answer is 2, not 1.5.', numbers)).toBe('B');
});

it('options may contain emphasis marks', () => {
  const options = ['snake_case', 'camelCase', '2*3'];
  expect(letterIn('The answer is `snake_case`.', options)).toBe('A');
  expect(letterIn('The answer is 2*3.', options)).toBe('C');
  expect(gradeChoice('(A)', 'snake_case', options).isRight).toBe(true);
});

describe('the right option', () => {
  it('is given by its letter or its text', () => {
    for (const answer of ['B', 'b', '(B)', 'B.', 'Paris', ' paris ']) {
      expect(rightOption(answer, CITIES), answer).toBe(1);
    }
    for (const answer of ['E', '', 'Oslo', 'BB']) expect(rightOption(answer, CITIES)).toBeNull();
    // Options that are letters themselves are identified by their text.
    expect(rightOption('B', ['B', 'A'])).toBe(0);
  });

  it('decides the grade', () => {
    expect(gradeChoice('(B)', 'Paris', CITIES)).toMatchObject({ isRight: true, extracted: 'B' });
    expect(gradeChoice('(A)', 'Paris', CITIES)).toMatchObject({ isRight: false, extracted: 'A' });
    // A missing answer never equals a missing right option.
    expect(gradeChoice('', 'Oslo', CITIES)).toMatchObject({ isRight: false, extracted: null });
  });
});

it('every letter is read in every form', () => {
  const form = fc.constantFrom('(X)', 'X.', 'X)', 'The answer is X.', 'Answer: (X)', '\\boxed{X}');
  const options = fc.integer({ min: 2, max: 26 }).map((n) => {
    return Array.from({ length: n }, (_, index) => `city number ${index}`);
  });
  fc.assert(
    fc.property(form, options, fc.nat(25), (written, cities, index) => {
      const wanted = index < cities.length ? letterOf(index) : null;
      expect(letterIn(written.replace('X', letterOf(index)), cities)).toBe(wanted);
    }),
  );
});
