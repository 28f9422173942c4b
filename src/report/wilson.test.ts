import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilson95 } from './wilson.ts';

describe('wilson95', () => {
  it('gives the published bounds', () => {
    // 81 of 263: Newcombe 1998, table I, method 3.
    const { low, high } = wilson95(81, 263);
    expect(low).toBeCloseTo(0.2553, 4);
    expect(high).toBeCloseTo(0.3662, 4);
    expect(wilson95(0, 20).high).toBeCloseTo(0.1611, 4);
  });

  it('knows nothing without trials', () => {
    expect(wilson95(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it('holds what was seen, within 0 and 1, and mirrors', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (hits, misses) => {
        fc.pre(hits + misses > 0);
        const trials = hits + misses;
        const { low, high } = wilson95(hits, trials);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(hits / trials);
        expect(high).toBeGreaterThanOrEqual(hits / trials);
        expect(wilson95(misses, trials).low).toBeCloseTo(1 - high, 12);
      }),
    );
  });
});
