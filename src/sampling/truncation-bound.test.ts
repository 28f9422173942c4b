import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import {
  firstTruncationErrors,
  smallestTokenCount,
  smallestTokenCountWithin,
  truncationBounds,
  truncationErrors,
} from './truncation-bound.ts';

/** U_TV(k) as the equation has it. */
function definition(x: readonly number[], draft: number, beta: number, k: number): number {
  const falling = [...x].sort((a, b) => b - a);
  const others = falling.slice(k);
  const share = others.reduce((sum, value) => sum + value, 0) / Math.max(1, others.length);
  const error = others.reduce((sum, value) => sum + Math.abs(value - share), 0);
  const l = (v: number): number => Math.log(1 + Math.exp(v));
  const drafted = x[draft] ?? 0;
  return error / ((1 - drafted) * l(-1) + drafted * l(-beta));
}

const anyCase = fc
  .record({
    weights: fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1, noNaN: true })), {
      minLength: 1,
      maxLength: 30,
    }),
    at: fc.nat(),
    beta: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .filter(({ weights }) => weights.some((weight) => weight > 0))
  .map(({ weights, at, beta }) => {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const x = weights.map((weight) => weight / sum);
    return { x, draft: at % x.length, beta };
  });

describe('U_TV', () => {
  it('is what the equation says, for every k', () => {
    fc.assert(
      fc.property(anyCase, ({ x, draft, beta }) => {
        const bounds = truncationBounds(Float64Array.from(x), draft, beta);
        expect(bounds).toHaveLength(x.length + 1);
        for (const [k, bound] of bounds.entries()) {
          expect(bound).toBeCloseTo(definition(x, draft, beta, k), 12);
        }
      }),
      { numRuns: runs(200, 2000) },
    );
  });

  it('of a worked example: 0.5, 0.3, 0.15, 0.05 with a draft of 0.5 and β = 0.2', () => {
    const bounds = truncationBounds(Float64Array.of(0.15, 0.5, 0.05, 0.3), 1, 0.2);
    // 0.5 ln(1 + e^-1) + 0.5 ln(1 + e^-0.2) = 0.4557003...
    const scale = 0.5 * 0.31326168751822286 + 0.5 * 0.5981388693815918;
    expect(scale).toBeCloseTo(0.4557, 4);
    // Around the means 0.25, 1/6, 0.1, 0.05: 0.6, 0.26667, 0.1, 0.
    const errors = [0.6, 4 / 15, 0.1, 0, 0];
    for (const [k, error] of errors.entries()) expect(bounds[k]).toBeCloseTo(error / scale, 12);
  });

  it('never rises with k, up to rounding', () => {
    fc.assert(
      fc.property(anyCase, ({ x, draft, beta }) => {
        const bounds = truncationBounds(Float64Array.from(x), draft, beta);
        for (const [k, bound] of bounds.entries()) {
          expect(bound).toBeLessThanOrEqual((bounds[k - 1] ?? Number.POSITIVE_INFINITY) + 1e-12);
        }
      }),
      { numRuns: runs(200, 2000) },
    );
  });
});

describe('the first errors', () => {
  const compare = (x: Float64Array, countMax: number): void => {
    const all = truncationErrors(x);
    const first = firstTruncationErrors(x, countMax);
    expect(first).toHaveLength(Math.min(countMax, x.length) + 1);
    for (const [k, error] of first.entries()) expect(error).toBeCloseTo(all[k] ?? -1, 12);
  };

  it('are those of all, for every number, with ties and with zeros', () => {
    const weights = fc.array(fc.oneof(fc.nat(3), fc.double({ min: 0, max: 1, noNaN: true })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 50 }), (given, countMax) => {
        const sum = given.reduce((total, weight) => total + weight, 0);
        fc.pre(sum > 0);
        compare(
          Float64Array.from(given, (weight) => weight / sum),
          countMax,
        );
      }),
      { numRuns: runs(300, 5000) },
    );
  });

  it('are those of all in a vocabulary of 152k tokens, also where the tail is tiny', () => {
    for (const power of [0.5, 1.5, 4]) {
      const weights = Float64Array.from({ length: 151_936 }, (_, id) => 1 / (id + 1) ** power);
      const sum = weights.reduce((total, weight) => total + weight, 0);
      compare(
        weights.map((weight) => weight / sum),
        64,
      );
    }
  });
});

describe('the smallest number of tokens', () => {
  it('is the first k, from 1, within the threshold', () => {
    fc.assert(
      fc.property(anyCase, fc.double({ min: 1e-6, max: 2, noNaN: true }), (given, threshold) => {
        const { x, draft, beta } = given;
        const k = smallestTokenCount(Float64Array.from(x), draft, {
          expectedRejection: beta,
          threshold,
        });
        expect(definition(x, draft, beta, k)).toBeLessThanOrEqual(threshold + 1e-9);
        if (k > 1) expect(definition(x, draft, beta, k - 1)).toBeGreaterThan(threshold - 1e-9);
      }),
      { numRuns: runs(200, 2000) },
    );
  });

  it('falls as the threshold rises', () => {
    fc.assert(
      fc.property(anyCase, ({ x, draft, beta }) => {
        const thresholds = [0, 0.001, 0.01, 0.1, 0.3, 1, 3];
        const counts = thresholds.map((threshold) =>
          smallestTokenCount(Float64Array.from(x), draft, { expectedRejection: beta, threshold }),
        );
        expect(counts).toEqual(counts.toSorted((a, b) => b - a));
      }),
      { numRuns: runs(200, 2000) },
    );
  });

  it('is 1 for a certain distribution and for a uniform one, whose rest is even', () => {
    const options = { expectedRejection: 0.3, threshold: 1e-6 };
    expect(smallestTokenCount(Float64Array.of(0, 1, 0, 0), 1, options)).toBe(1);
    const uniform = Float64Array.from({ length: 32_000 }, () => 1 / 32_000);
    expect(smallestTokenCount(uniform, 5, options)).toBe(1);
    expect(smallestTokenCount(Float64Array.of(1), 0, options)).toBe(1);
  });

  it('is found offline on the mean of the bounds of many tokens', () => {
    const one = truncationBounds(Float64Array.of(0.4, 0.3, 0.2, 0.1), 0, 0);
    const other = truncationBounds(Float64Array.of(1, 0, 0, 0), 0, 0);
    const mean = one.map((bound, k) => (bound + (other[k] ?? 0)) / 2);
    expect(smallestTokenCountWithin(one, 0.25)).toBe(2);
    expect(smallestTokenCountWithin(mean, 0.25)).toBe(1);
  });

  it('is found in a vocabulary of 152k tokens', () => {
    const size = 151_936;
    const weights = Float64Array.from({ length: size }, (_, id) => 1 / (id + 1) ** 1.5);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const x = weights.map((weight) => weight / sum);
    const k = smallestTokenCount(x, 0, { expectedRejection: 0.1, threshold: 0.1 });
    expect(definition([...x], 0, 0.1, k)).toBeLessThanOrEqual(0.1);
    expect(definition([...x], 0, 0.1, k - 1)).toBeGreaterThan(0.1);
  });
});
