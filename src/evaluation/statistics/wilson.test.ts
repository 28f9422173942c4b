import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NORMAL_975 } from './interval.ts';
import { wilson } from './wilson.ts';

describe('wilson', () => {
  it.each([
    // R. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('gives the published interval of %i in %i', (successes, n, low, high) => {
    const interval = wilson(successes, n);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  it('ends where the observed share is z standard errors away, also for fractional counts', () => {
    const cases = fc.tuple(fc.double({ min: 0.5, max: 5000, noNaN: true }), fc.nat(1000));
    fc.assert(
      fc.property(cases, ([n, part]) => {
        const seen = part / 1000;
        const { low, high } = wilson(seen * n, n);
        for (const end of [low, high]) {
          const reach = NORMAL_975 * Math.sqrt((end * (1 - end)) / n);
          expect(Math.abs(Math.abs(seen - end) - reach)).toBeLessThan(1e-6);
        }
        expect(low).toBeLessThanOrEqual(seen + 1e-12);
        expect(high).toBeGreaterThanOrEqual(seen - 1e-12);
      }),
    );
  });

  it('is [0, 1] without questions, and refuses more successes than questions', () => {
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
    expect(() => wilson(3, 2)).toThrow(/3 successes of 2/);
    expect(() => wilson(0, Number.NaN)).toThrow(/sample size/);
  });
});
