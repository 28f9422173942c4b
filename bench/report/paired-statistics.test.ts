import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, pairedRatio, quantile } from './paired-statistics.ts';

describe('pairedRatio', () => {
  it('starts the sign test interval of ten pairs at the second value, which covers 97.9 %', () => {
    const ratios = [1.0, 0.9, 0.8, 1.1, 1.2, 0.7, 1.3, 0.6, 1.4, 0.5];
    const { low, high, coverage, median: middle } = pairedRatio(ratios);
    expect([low, high]).toEqual([0.6, 1.3]);
    expect(coverage).toBeCloseTo(1 - 22 / 1024, 12);
    expect(middle).toBeCloseTo(0.95, 12);
  });

  it('reports the low coverage of three pairs', () => {
    const { low, high, coverage } = pairedRatio([1, 0.9, 1.1]);
    expect([low, high, coverage]).toEqual([0.9, 1.1, 0.75]);
  });

  it('covers the median of random samples as often as it reports', () => {
    let state = 7;
    const uniform = (): number => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    const trials = 4000;
    let covered = 0;
    for (let trial = 0; trial < trials; trial += 1) {
      const { low, high } = pairedRatio(Array.from({ length: 9 }, () => uniform() ** 3));
      if (low <= 0.125 && 0.125 <= high) covered += 1;
    }
    expect(covered / trials).toBeCloseTo(pairedRatio([1, 2, 3, 4, 5, 6, 7, 8, 9]).coverage, 1.5);
  });

  it('orders its parts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 1 }),
        (values) => {
          const ratio = pairedRatio(values);
          const parts = [ratio.smallest, ratio.low, ratio.median, ratio.high, ratio.largest];
          expect([...parts].sort((a, b) => a - b)).toEqual(parts);
          if (values.length >= 6) expect(ratio.coverage).toBeGreaterThanOrEqual(0.95);
        },
      ),
    );
  });
});

describe('quantile', () => {
  it('lies between order statistics', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(quantile([10, 20, 30], 0.75)).toBe(25);
    expect(quantile([5], 0.9)).toBe(5);
  });
});
