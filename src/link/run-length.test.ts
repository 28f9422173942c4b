import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { RUN_LENGTH_MAX } from './limits.ts';
import { runLength } from './run-length.ts';

it('begins with what is wanted, at most what a run may be ahead', () => {
  expect([1, 5, RUN_LENGTH_MAX, 1000].map((wanted) => runLength(0, wanted))).toEqual([
    ...[1, 5, RUN_LENGTH_MAX, RUN_LENGTH_MAX],
  ]);
});

it('asks for more every 32 tokens, and for nothing twice', () => {
  // A device that reads token by token what it wants.
  const asked = (wanted: number): readonly (readonly number[])[] => {
    let due = 0;
    return Array.from({ length: wanted }, (_, at) => {
      const count = runLength(due, wanted - at);
      if (count > 0) due = count;
      due -= 1;
      return [at, count];
    }).filter(([, count]) => count !== 0);
  };
  expect(asked(300)).toEqual([
    ...[0, 32, 64, 96, 128, 160].map((at) => [at, RUN_LENGTH_MAX]),
    [192, 108],
  ]);
  expect(asked(128)).toEqual([[0, 128]]);
  expect(asked(129)).toEqual([
    [0, 128],
    [32, 97],
  ]);
});

it('never runs dry, and never asks for more than is wanted', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 700 }), (wanted) => {
      let due = 0;
      for (let left = wanted; left > 0; left -= 1) {
        due = runLength(due, left) || due;
        expect(due).toBeGreaterThan(0);
        expect(due).toBeLessThanOrEqual(Math.min(left, RUN_LENGTH_MAX));
        due -= 1;
      }
      expect(due).toBe(0);
    }),
    { numRuns: runs(50, 700) },
  );
});
