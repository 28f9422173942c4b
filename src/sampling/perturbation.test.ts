import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { PERTURBATION_COUNT, PERTURBED_TEMPERATURES } from '../core/perturbed-temperatures.ts';
import { exactLogPartitions, logPartitions } from './perturbation.ts';

const maxOf = (logits: Float32Array): number => logits.reduce((a, b) => Math.max(a, b));

describe('the log-partitions of a row', () => {
  it('are those of the softmaxes at all temperatures', () => {
    const logit = fc.oneof(
      fc.float({ min: -40, max: 40, noNaN: true }),
      fc.constant(Number.NEGATIVE_INFINITY),
    );
    const row = fc.tuple(
      fc.float({ min: -40, max: 40, noNaN: true }),
      fc.array(logit, { maxLength: 300 }),
    );
    fc.assert(
      fc.property(row, ([first, others]) => {
        const logits = Float32Array.of(first, ...others);
        const near = logPartitions(logits, logits.length, maxOf(logits));
        const exact = exactLogPartitions(logits, logits.length, maxOf(logits));
        for (const [index, value] of near.entries()) {
          const wide = (PERTURBED_TEMPERATURES[index] as number) > 0.28;
          expect(Math.abs(value - (exact[index] as number))).toBeLessThan(wide ? 1e-4 : 4e-3);
        }
      }),
      { numRuns: runs(200, 5000) },
    );
  });

  it('are 0 where one token is certain, and ln n for n equal tokens', () => {
    const certain = Float32Array.of(9, Number.NEGATIVE_INFINITY, -90);
    expect([...logPartitions(certain, 3, 9)]).toEqual(Array(PERTURBATION_COUNT).fill(0));
    const equal = new Float32Array(7).fill(3);
    for (const value of logPartitions(equal, 7, 3)) expect(value).toBeCloseTo(Math.log(7), 12);
  });

  it('leave out the ids that do not exist', () => {
    const padded = Float32Array.of(1, 0, 5, 5);
    expect([...logPartitions(padded, 2, 1)]).toEqual([...logPartitions(padded.slice(0, 2), 2, 1)]);
  });

  it('have temperatures spread evenly over (0, 2]', () => {
    expect(PERTURBED_TEMPERATURES[0]).toBe(0.05);
    expect(PERTURBED_TEMPERATURES.at(-1)).toBe(1.95);
  });
});
