import { describe, expect, it } from 'vitest';
import { estimateMean } from '../screening/estimate-mean.ts';
import { fullDesign, type SampleDesign, sampleDesign } from '../screening/sample-design.ts';
import { bootstrap, drawReplicates, meanOf } from './bootstrap.ts';
import { quantileInterval } from './quantile-interval.ts';

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (values.length - 1) };
}

/**
 * Right with chances 0.1, 0.5 and 0.9 by stratum; few questions of the outer strata are answered.
 */
function screened(): { design: SampleDesign; values: number[] } {
  const strata = [...new Array(10).fill(0), ...new Array(40).fill(1), ...new Array(10).fill(2)];
  const values = strata.map((stratum, index) => {
    if (stratum === 1) return index % 2;
    return (index % 10 === 0 ? 1 : 0) === (stratum === 0 ? 1 : 0) ? 1 : 0;
  });
  return { design: sampleDesign(strata, [60, 40, 100]), values };
}

describe('the bootstrap', () => {
  it.each([
    ['every question answered', fullDesign(60)],
    ['a screened sample', screened().design],
  ])('varies as the formula says: %s', (_, design) => {
    const { values } = screened();
    const replicates = drawReplicates(design, { seed: 3, count: 20_000 });
    const drawn = moments(replicates.weights.map((weights) => meanOf(values)(weights) ?? 0));
    const { mean, variance } = estimateMean(design, values);
    expect(Math.abs(drawn.mean - mean)).toBeLessThan(4 * Math.sqrt(variance / 20_000));
    // Above the formula's variance by at most its middle term.
    expect(drawn.variance / variance).toBeGreaterThan(0.96);
    expect(drawn.variance / variance).toBeLessThan(1.04);
  });

  it('keeps the sum of weights at 1, follows the seed, and draws replicates independently', () => {
    const { design } = screened();
    const replicates = drawReplicates(design, { seed: 3, count: 50 });
    for (const weights of replicates.weights) {
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 10);
    }
    expect(drawReplicates(design, { seed: 3, count: 50 })).toEqual(replicates);
    expect(drawReplicates(design, { seed: 4, count: 1 }).weights[0]).not.toEqual(
      replicates.weights[0],
    );
    expect(replicates.weights[1]).not.toEqual(replicates.weights[0]);
  });

  it('takes the central 95 % of the values', () => {
    const values = Array.from({ length: 79 }, (_, index) => index - 10);
    const interval = bootstrap(
      { design: fullDesign(1), seed: 1, weights: values.map((value) => Float64Array.of(value)) },
      meanOf([1]),
    );
    expect(interval?.low).toBeCloseTo(-9, 10);
    expect(interval?.high).toBeCloseTo(67, 10);
  });

  it('gives no interval where the statistic often does not exist', () => {
    const replicates = drawReplicates(fullDesign(4), { seed: 1, count: 100 });
    let calls = 0;
    const missing = (count: number) => () => {
      calls += 1;
      return calls <= count ? null : 1;
    };
    expect(bootstrap(replicates, missing(3))).toBeNull();
    calls = 0;
    expect(bootstrap(replicates, missing(2))).toEqual({ low: 1, high: 1 });
  });
});

describe('the interval of values', () => {
  it('is none without values, and narrow for one', () => {
    expect(quantileInterval([])).toBeNull();
    expect(quantileInterval([5])).toEqual({ low: 5, high: 5 });
  });

  it('of the negated values is the negated interval', () => {
    const values = [0.3, -0.2, 0.05, 0.9, 0.41, -0.7];
    const there = quantileInterval(values);
    const back = quantileInterval(values.map((value) => -value));
    expect(back?.low).toBeCloseTo(-(there?.high ?? 0), 12);
    expect(back?.high).toBeCloseTo(-(there?.low ?? 0), 12);
  });
});
