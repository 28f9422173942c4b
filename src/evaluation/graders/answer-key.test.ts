import { describe, expect, it } from 'vitest';
import type { Question } from '../question.ts';
import { answerKey } from './answer-key.ts';

const NUMBER: Pick<Question, 'kind'> = { kind: 'number' };
const CHOICE: Pick<Question, 'kind' | 'options'> = {
  kind: 'choice',
  options: ['Paris', 'Rome', 'Oslo'],
};

describe('the final answer of an output', () => {
  it.each<[Pick<Question, 'kind' | 'options'>, string, string]>([
    [NUMBER, 'So it is 1,200 eggs.\n#### 1200', 'The answer is 1200.00.'],
    [NUMBER, 'The answer is 3/4.', '\\boxed{0.75}'],
    [NUMBER, 'The answer is \\(\\sqrt{2}\\).', '\\boxed{\\sqrt{2}}'],
    [CHOICE, 'The answer is (B).', 'Rome.'],
    [{ kind: 'latex' }, '\\boxed{\\dfrac34}', 'The answer is $\\frac{3}{4}$.'],
    [{ kind: 'text' }, 'Answer: **Paris**', 'So.\nThe answer is paris.'],
    [{ kind: 'pocket' }, 'a\n\nThe answer is 7.', 'b\n\nThe answer is 7.'],
  ])('is equal for outputs that say the same: %j', (question, one, other) => {
    const key = answerKey(one, question);
    expect(key).not.toBeNull();
    expect(answerKey(other, question)).toBe(key);
  });

  it.each<[Pick<Question, 'kind' | 'options'>, string, string]>([
    [NUMBER, 'The answer is 12.', 'The answer is 13.'],
    [CHOICE, '(A)', '(C)'],
    [{ kind: 'text' }, 'Paris', 'Rome'],
  ])('differs for others: %j', (question, one, other) => {
    expect(answerKey(one, question)).not.toBe(answerKey(other, question));
  });

  it.each<[Pick<Question, 'kind' | 'options'>, string]>([
    [NUMBER, 'I do not know.'],
    [CHOICE, 'Paris or Rome, or Oslo'],
    [{ kind: 'text' }, '\n'],
    [{ kind: 'pocket' }, 'The answer is 7'],
  ])('is none where an output states none: %j', (question, output) => {
    expect(answerKey(output, question)).toBeNull();
  });
});
