import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Question, stratifiedSample } from './questions.ts';

const questions: Question[] = ['a', 'b', 'c'].flatMap((category, size) =>
  Array.from({ length: 3 * size + 1 }, (_, index) => ({
    id: `${category}${index}`,
    category,
    text: '',
  })),
);

describe('stratifiedSample', () => {
  it('takes all questions of each category, up to the requested number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer(), (perCategory, seed) => {
        const sample = stratifiedSample(questions, perCategory, seed);
        const counts = ['a', 'b', 'c'].map(
          (category) => sample.filter((question) => question.category === category).length,
        );
        expect(counts).toEqual([1, 4, 7].map((size) => Math.min(size, perCategory)));
        expect(new Set(sample.map(({ id }) => id)).size).toBe(sample.length);
      }),
    );
  });

  it('lets categories take turns', () => {
    const first = stratifiedSample(questions, 4, 1).slice(0, 3);
    expect(first.map(({ category }) => category)).toEqual(['a', 'b', 'c']);
  });

  it('depends on the seed alone', () => {
    const ids = (seed: number): string[] =>
      stratifiedSample(questions, 2, seed).map(({ id }) => id);
    expect(ids(3)).toEqual(ids(3));
    expect(new Set(Array.from({ length: 20 }, (_, seed) => ids(seed).join())).size).toBeGreaterThan(
      5,
    );
  });
});
