import { describe, expect, it } from 'vitest';
import { finalAnswer, isRight, workedAnswer } from './answer.ts';
import { pocketProblem } from './problem.ts';

describe('the answer of a pocket problem', () => {
  it('is right in the expected form', () => {
    for (let index = 0; index < 100; index += 1) {
      const problem = pocketProblem({ split: 'test', seed: 1 }, index);
      expect(isRight(problem, workedAnswer(problem))).toBe(true);
      expect(isRight({ answer: problem.answer + 1 }, workedAnswer(problem))).toBe(false);
    }
  });

  it.each([
    ['Ana has 3 + 4 = 7 cups.\n\nThe answer is 7.', 7],
    ['The answer is 7.\n', 7],
    ['The answer is 5.\n\nThe answer is 7.', 7],
    ['The answer is 7', null],
    ['The answer is 7. Or 8?', null],
    ['The answer is -7.', null],
    ['The answer is 7.5.', null],
    ['I think The answer is 7.', null],
    ['', null],
  ])('reads %j as %j', (text, answer) => {
    expect(finalAnswer(text)).toBe(answer);
  });
});
