import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expOfNonPositive } from './exponential.ts';

const LOWEST = -64 * Math.LN2;

function relativeError(x: number): number {
  const exact = Math.exp(x);
  return Math.abs(expOfNonPositive(x) - exact) / exact;
}

describe('expOfNonPositive', () => {
  it('is e^x to nine digits down to 2^-64', () => {
    const anyExponent = fc.double({ min: LOWEST * (1 - 1e-12), max: 0, noNaN: true });
    fc.assert(
      fc.property(anyExponent, (x) => {
        expect(relativeError(x)).toBeLessThan(1e-9);
      }),
      { numRuns: 5000 },
    );
  });

  it('is as precise around the borders of its tables', () => {
    for (let step = 0; step < 64 * 1024; step += 7) {
      const border = (-Math.LN2 * step) / 1024;
      for (const x of [border, border - 1e-9, Math.min(0, border + 1e-9)]) {
        if (x > LOWEST) expect(relativeError(x)).toBeLessThan(1e-9);
      }
    }
  });

  it('is 1 at 0, and a little less just below', () => {
    expect(expOfNonPositive(0)).toBe(1);
    expect(expOfNonPositive(-0)).toBe(1);
    expect(expOfNonPositive(-Number.MIN_VALUE)).toBe(1);
    expect(expOfNonPositive(-1e-6)).toBeLessThan(1);
  });

  it('is 0 below 2^-64, and never a NaN', () => {
    const nothing = [LOWEST - 1e-6, -45, -1e3, -1e300, -Number.MAX_VALUE, Number.NEGATIVE_INFINITY];
    for (const x of nothing) expect(expOfNonPositive(x)).toBe(0);
    expect(expOfNonPositive(Number.NaN)).toBe(0);
  });

  it('never grows as x falls', () => {
    const anyExponent = fc.double({ min: -50, max: 0, noNaN: true });
    fc.assert(
      fc.property(anyExponent, anyExponent, (a, b) => {
        // Two neighbours may differ by the error of the series, but by no more.
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(expOfNonPositive(low)).toBeLessThanOrEqual(expOfNonPositive(high) * (1 + 2e-10));
      }),
      { numRuns: 1000 },
    );
  });
});
