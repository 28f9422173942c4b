import { describe, expect, it } from 'vitest';
import { type PocketSplit, pocketProblem } from './problem.ts';
import { POCKET_SCOPE } from './scope.ts';

describe('the scope of the pocket models', () => {
  it('covers every problem of the task', () => {
    const splits: readonly PocketSplit[] = ['train', 'test', 'templates', 'numbers'];
    for (const split of splits) {
      for (let index = 0; index < 200; index += 1) {
        const { question } = pocketProblem({ split, seed: 3, operationCountMax: 5 }, index);
        expect(POCKET_SCOPE.covers(question), question).toBe(true);
      }
    }
  });

  it('covers the example in its own note', () => {
    const example = /"(.*)"/.exec(POCKET_SCOPE.note)?.[1] ?? '';
    expect(POCKET_SCOPE.covers(example)).toBe(true);
  });

  it.each([
    'Why is the sky blue?',
    'What is 12 + 30?',
    'Ana has 12 apples.',
    'How many apples does Ana have now?',
    'Natalia sold clips to 48 of her friends in April. How many clips did she sell?',
    '',
  ])('does not cover %j', (text) => {
    expect(POCKET_SCOPE.covers(text)).toBe(false);
  });
});
