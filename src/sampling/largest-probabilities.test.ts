import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { largestProbabilities } from './largest-probabilities.ts';

/** The definition: sort everything. */
function sorted(distribution: Float64Array, count: number, bound: number): number[] {
  return [...distribution.keys()]
    .filter((id) => (distribution[id] ?? 0) > bound)
    .sort((a, b) => (distribution[b] ?? 0) - (distribution[a] ?? 0) || a - b)
    .slice(0, count);
}

/** Few different values, so that ties are common. */
const anyRow = fc.oneof(
  fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 60 }),
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 }),
);
const anyBound = fc.constantFrom(0, 0.3, 2, 5);

describe('largestProbabilities', () => {
  it('is the beginning of the sorted row', () => {
    fc.assert(
      fc.property(anyRow, fc.integer({ min: 1, max: 70 }), anyBound, (row, count, bound) => {
        const distribution = Float64Array.from(row);
        const largest = largestProbabilities(distribution, count, bound);
        expect(largest).toEqual(sorted(distribution, count, bound));
      }),
      { numRuns: runs(300, 3000) },
    );
  });

  it.each([
    ['rising', (id: number) => id + 1],
    ['falling', (id: number) => 1 / (id + 1)],
    ['equal', () => 1],
    ['mostly zero', (id: number) => (id % 100 === 7 ? id : 0)],
  ])('selects from long rows: %s', (_name, weigh) => {
    const distribution = Float64Array.from({ length: 5000 }, (_, id) => weigh(id));
    for (const count of [1, 2, 30, 4999, 5000, 6000]) {
      expect(largestProbabilities(distribution, count, 0)).toEqual(sorted(distribution, count, 0));
    }
  });
});
