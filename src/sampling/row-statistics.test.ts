import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax, type RowStatistics, rowStatistics } from './row-statistics.ts';

const MASKED = Number.NEGATIVE_INFINITY;

const anyLogit = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -40, max: 40, noNaN: true }).map(Math.fround) },
  { weight: 3, arbitrary: fc.integer({ min: -2, max: 2 }) },
  { weight: 1, arbitrary: fc.constant(MASKED) },
);
const anyRow = fc
  .array(anyLogit, { minLength: 1, maxLength: 60 })
  .filter((row) => row.some((logit) => logit !== MASKED));

/** Softmax in doubles, by the definition. */
function oracle(logits: readonly number[]): RowStatistics {
  const max = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - max));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const probabilities = weights.map((weight) => weight / sum);
  const [best = 0, second = 0] = [...probabilities].sort((a, b) => b - a);
  return {
    logSumExp: max + Math.log(sum),
    entropy: probabilities.reduce((total, p) => (p > 0 ? total - p * Math.log(p) : total), 0),
    margin: best - second,
  };
}

function expectClose(actual: RowStatistics, expected: RowStatistics): void {
  expect(actual.logSumExp).toBeCloseTo(expected.logSumExp, 7);
  expect(actual.entropy).toBeCloseTo(expected.entropy, 7);
  expect(actual.margin).toBeCloseTo(expected.margin, 7);
}

describe('argmax', () => {
  it('gives the lowest index of the largest entry', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        expect(argmax(row, row.length)).toBe(row.indexOf(Math.max(...row)));
      }),
    );
    expect(argmax([1, 3, 3, 3], 4)).toBe(1);
    expect(argmax([MASKED, MASKED], 2)).toBe(0);
  });

  it('reads the first entries only', () => {
    expect(argmax([1, 2, 99], 2)).toBe(1);
  });
});

describe('rowStatistics', () => {
  it('agrees with a softmax in doubles', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        expectClose(rowStatistics(Float32Array.from(row), row.length), oracle(row));
      }),
      { numRuns: 500 },
    );
  });

  it('stays within its ranges', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        const { entropy, margin } = rowStatistics(Float32Array.from(row), row.length);
        expect(entropy).toBeGreaterThanOrEqual(0);
        expect(entropy).toBeLessThanOrEqual(Math.log(row.length) + 1e-9);
        expect(margin).toBeGreaterThanOrEqual(0);
        expect(margin).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  it.each([2, 7, 1000])('finds ln V and no margin in a uniform row of %d', (size) => {
    for (const level of [0, -3.5, 1000]) {
      const { logSumExp, entropy, margin } = rowStatistics(
        new Float32Array(size).fill(level),
        size,
      );
      expect(entropy).toBeCloseTo(Math.log(size), 9);
      expect(logSumExp).toBeCloseTo(level + Math.log(size), 6);
      expect(margin).toBe(0);
    }
  });

  it('finds no entropy and a whole margin in a one-hot row', () => {
    const masked = Float32Array.from([MASKED, 2.5, MASKED]);
    expect(rowStatistics(masked, 3)).toEqual({ logSumExp: 2.5, entropy: 0, margin: 1 });
    const far = Float32Array.from([-1000, 2.5, -1000]);
    expect(rowStatistics(far, 3)).toEqual({ logSumExp: 2.5, entropy: 0, margin: 1 });
  });

  it('accepts a vocabulary of one token', () => {
    const row = Float32Array.from([-7]);
    expect(rowStatistics(row, 1)).toEqual({ logSumExp: -7, entropy: 0, margin: 1 });
  });

  it('does not overflow on entries whose exponentials would', () => {
    expectClose(rowStatistics(Float32Array.from([3e4, 3e4]), 2), {
      logSumExp: 3e4 + Math.LN2,
      entropy: Math.LN2,
      margin: 0,
    });
  });

  it('does not read entries past the size', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        const padded = Float32Array.from([...row, Number.NaN, 1e30, Number.POSITIVE_INFINITY]);
        const alone = rowStatistics(Float32Array.from(row), row.length);
        expect(rowStatistics(padded, row.length)).toEqual(alone);
      }),
    );
  });
});
