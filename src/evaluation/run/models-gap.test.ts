import { describe, expect, it } from 'vitest';
import { wilson } from '../statistics/wilson.ts';
import { modelsGap } from './models-gap.ts';

function runs(...counts: readonly (readonly [count: number, isRight: boolean])[]) {
  return counts.flatMap(([count, isRight]) =>
    Array.from({ length: count }, () => ({
      grade: { isRight, extracted: null, why: 'no answer found' },
    })),
  );
}

describe('modelsGap', () => {
  // Both right, large alone, small alone, neither: 110, 30, 10 and 50 of 200.
  const small = runs([110, true], [30, false], [10, true], [50, false]);
  const large = runs([110, true], [30, true], [10, false], [50, false]);

  it('is large minus small, with the interval of the paired difference', () => {
    const gap = modelsGap(small, large);
    expect(gap.value).toBeCloseTo(0.1, 12);
    const reach = 1.959964 * Math.sqrt((40 - 20 ** 2 / 200) / 199 / 200);
    expect(gap.low).toBeCloseTo(0.1 - reach, 6);
    expect(gap.high).toBeCloseTo(0.1 + reach, 6);
    expect(modelsGap(large, small).value).toBeCloseTo(-0.1, 12);
  });

  it('is above 0 where the intervals of both accuracies overlap', () => {
    expect(wilson(120, 200).high).toBeGreaterThan(wilson(140, 200).low);
    expect(modelsGap(small, large).low).toBeGreaterThan(0.03);
  });
});
