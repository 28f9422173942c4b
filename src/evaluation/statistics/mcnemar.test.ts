import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mcnemar } from './mcnemar.ts';

/** P(X <= count) of binomial(n, 1/2) in integers, to 30 digits. */
function binomialTail(n: number, count: number): number {
  let coefficient = 1n;
  let sum = 0n;
  for (let k = 0; k <= count; k += 1) {
    sum += coefficient;
    coefficient = (coefficient * BigInt(n - k)) / BigInt(k + 1);
  }
  return Number((sum * 10n ** 30n) >> BigInt(n)) / 1e30;
}

describe('mcnemar', () => {
  it('is the exact binomial test of a fair coin', () => {
    // 1 of 10 and 9 of 10: 2 (1 + 10) / 1024.
    expect(mcnemar(1, 9)).toBeCloseTo(22 / 1024, 12);
    expect(mcnemar(9, 1)).toBeCloseTo(22 / 1024, 12);
    expect(mcnemar(0, 5)).toBeCloseTo(2 / 32, 12);
  });

  it('agrees with integer sums for any counts', () => {
    fc.assert(
      fc.property(fc.nat(600), fc.nat(600), (first, second) => {
        const smaller = Math.min(first, second);
        const tail = binomialTail(first + second, smaller);
        expect(mcnemar(first, second)).toBeCloseTo(Math.min(1, 2 * tail), 10);
      }),
    );
  });

  it('finds no difference without discordant questions, or with equal counts', () => {
    expect(mcnemar(0, 0)).toBe(1);
    expect(mcnemar(7, 7)).toBeCloseTo(1, 12);
    expect(() => mcnemar(0.5, 1)).toThrow(/count of questions/);
  });
});
