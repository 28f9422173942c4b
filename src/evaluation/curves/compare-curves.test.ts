import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { fullDesign, type SampleDesign, sampleDesign } from '../screening/sample-design.ts';
import { drawReplicates } from '../statistics/bootstrap.ts';
import { compareCurves } from './compare-curves.ts';
import { type CurvePoint, curvePoint, type Place } from './curve-point.ts';
import { gapRecovered } from './gap-recovered.ts';
import { contributions, type IntervalMean, intervalMean, lackOf } from './interval-mean.ts';
import { accuracyAt, polyline } from './polyline.ts';

const COUNT = 100;
const INTERVAL = { low: 0.025, high: 0.4 };

/** The first `right` questions are right, each at the same cost. */
function point(cost: number, right: number, { from = 0 } = {}): CurvePoint {
  return curvePoint(cost, [
    {
      isRight: Array.from({ length: COUNT }, (_, index) => index >= from && index < right + from),
      costNumerator: new Array(COUNT).fill(cost),
      costDenominator: new Array(COUNT).fill(1),
    },
  ]);
}

const anchors = { small: point(0, 40), large: point(1, 80) };
const replicates = drawReplicates(fullDesign(COUNT), { seed: 1, count: 400 });

/** A curve through these costs and counts of right questions. */
function curve(...places: readonly (readonly [cost: number, right: number])[]) {
  const points = places.map(([cost, right]) => point(cost, right));
  return { axis: 'largeShare' as const, points, anchors };
}

type Curve = ReturnType<typeof curve>;

function meanOf(one: Curve, drawn = replicates, interval = INTERVAL): IntervalMean {
  return intervalMean(one, interval, drawn) ?? expect.fail('no mean');
}

const compare = (own: Curve, other: Curve) =>
  compareCurves(meanOf(own), meanOf(other), replicates.design);

const STRAIGHT = curve([0.01, 40.4], [0.6, 64]);

describe('the mean over an interval', () => {
  const line = (cost: number): number => 0.4 + 0.4 * cost;

  it('of a straight line is its exact mean over the logarithm of the cost', () => {
    const places = [0, 0.01, 0.1, 0.6, 1].map((cost) => ({ cost, accuracy: line(cost) }));
    const parts = contributions(places, INTERVAL);
    const mean = parts.reduce((sum, part, index) => sum + part * (places[index]?.accuracy ?? 0), 0);
    expect(mean).toBeCloseTo(0.4 + (0.4 * (0.4 - 0.025)) / Math.log(16), 12);
  });

  it('counts every doubling of the cost alike', () => {
    // 50 right below a cost of 10 % and 70 above it: two doublings of each.
    const step = curve([0.001, 50], [0.0999999, 50], [0.1000001, 70], [0.9, 70]);
    expect(meanOf(step).value).toBeCloseTo(0.6, 5);
  });

  it('takes contributions that sum to 1, and none from points beyond the neighbours', () => {
    const costs = [0, 0.001, 0.02, 0.1, 0.5, 0.7, 1];
    const parts = contributions(
      costs.map((cost) => ({ cost, accuracy: 0 })),
      INTERVAL,
    );
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(1, 12);
    expect([...parts].map((part) => part > 0)).toEqual([
      ...[false, false, true, true, true, false, false],
    ]);
  });

  it('does not change with the order of points, nor with points on the line between others', () => {
    const cost = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    const places = fc.array(
      fc.record({ cost, accuracy: fc.double({ min: 0, max: 1, noNaN: true }) }),
      {
        minLength: 1,
        maxLength: 9,
      },
    );
    const ends = [
      { cost: 0, accuracy: 0.3 },
      { cost: 1, accuracy: 0.9 },
    ];
    const mean = (all: readonly Place[]): number =>
      contributions(all, INTERVAL).reduce(
        (sum, part, index) => sum + part * (all[index]?.accuracy ?? 0),
        0,
      );
    fc.assert(
      fc.property(places, fc.array(cost), (own, redundant) => {
        const all = [...ends, ...own];
        const added = redundant.map((at) => ({
          cost: at,
          accuracy: accuracyAt(polyline(all), at),
        }));
        expect(mean([...all, ...added].reverse())).toBeCloseTo(mean(all), 8);
      }),
      { numRuns: runs(50, 500) },
    );
  });

  it('measures the cost from the small model on, and has no value if the large one costs no more', () => {
    const shifted = {
      axis: 'weightTrafficRatio' as const,
      // The way from 0.4 to 1: 10 % of it lie at 0.46.
      points: [point(0.41, 50), point(0.46, 60), point(0.9, 70)],
      anchors: { small: point(0.4, 40), large: point(1, 80) },
    };
    const same = curve([1 / 60, 50], [0.1, 60], [5 / 6, 70]);
    expect(meanOf(shifted as never).value).toBeCloseTo(meanOf(same).value, 12);
    const flat = { ...same, anchors: { small: point(1, 40), large: point(1, 80) } };
    expect(intervalMean(flat, INTERVAL, replicates)).toBeNull();
    expect(lackOf('flat', flat, INTERVAL, replicates.design.weights)).toEqual({
      ...{ strategy: 'flat', pointCount: 0, from: null, to: null },
    });
  });
});

describe('what a curve lacks', () => {
  const lack = (...costs: readonly number[]) =>
    lackOf(
      'entropy',
      curve(...costs.map((cost) => [cost, 50] as const)),
      INTERVAL,
      replicates.design.weights,
    );

  it('is nothing with six points in or next to the interval that reach over it', () => {
    expect(lack(0.0125, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4)).toBeNull();
    expect(lack(0.02, 0.05, 0.1, 0.2, 0.3, 0.6)).toBeNull();
  });

  it('is points, or reach: points far outside do not count', () => {
    expect(lack(0.001, 0.002, 0.02, 0.1, 0.2, 0.5, 0.6, 0.7)).toEqual({
      ...{ strategy: 'entropy', pointCount: 4 },
      ...{ from: expect.closeTo(0.001, 12), to: expect.closeTo(0.7, 12) },
    });
    expect(lack(0.03, 0.04, 0.05, 0.1, 0.2, 0.3, 0.5)).toMatchObject({ pointCount: 7 });
    expect(lack(0.01, 0.04, 0.05, 0.1, 0.2, 0.3, 0.39)).toMatchObject({ pointCount: 7 });
  });
});

describe('a comparison', () => {
  it('finds a known difference, with the interval of a binomial share', () => {
    const better = curve([0.01, 50.4], [0.025, 51], [0.4, 66], [0.6, 74]);
    const { value, low, high } = compare(better, STRAIGHT);
    expect(value).toBeCloseTo(0.1, 2);
    // About 10 of 100 questions are right only under the better strategy.
    const reach = 1.96 * Math.sqrt((0.1 * 0.9) / COUNT);
    expect(low).toBeCloseTo(0.1 - reach, 1);
    expect(high).toBeCloseTo(0.1 + reach, 1);
  });

  it('finds no difference between a curve and itself', () => {
    const nothing = { value: 0, low: 0, high: 0 };
    expect(compare(STRAIGHT, STRAIGHT)).toEqual(nothing);
  });

  it('recomputes costs in every replicate', () => {
    // Half of the questions take the whole share, so the share itself is uncertain.
    const uneven = curvePoint(0.1, [
      {
        isRight: Array.from({ length: COUNT }, (_, index) => index < 60),
        costNumerator: Array.from({ length: COUNT }, (_, index) => (index % 10 === 0 ? 1 : 0)),
        costDenominator: new Array(COUNT).fill(1),
      },
    ]);
    const even = curve([0.1, 60]);
    const own = meanOf({ ...even, points: [uneven] });
    const fixed = meanOf(even);
    expect(own.value).toBeCloseTo(fixed.value, 12);
    const { low, high } = compareCurves(own, fixed, replicates.design);
    expect(low).toBeLessThan(-0.01);
    expect(high).toBeGreaterThan(0.01);
  });

  it('is minus the comparison of the other with the one, bounds included', () => {
    const own = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: COUNT })),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    const design = sampleDesign(
      Array.from({ length: COUNT }, (_, index) => (index < 80 ? 0 : 1)),
      [80, 120],
    );
    const screened = drawReplicates(design, { seed: 3, count: 60 });
    fc.assert(
      fc.property(own, own, (first, second) => {
        const [one, two] = [meanOf(curve(...first), screened), meanOf(curve(...second), screened)];
        const there = compareCurves(one, two, design);
        const back = compareCurves(two, one, design);
        expect(there.value).toBe(0 - (back.value ?? Number.NaN));
        expect(there.low).toBeCloseTo(-(back.high ?? Number.NaN), 12);
        expect(there.high).toBeCloseTo(-(back.low ?? Number.NaN), 12);
      }),
      { numRuns: runs(20, 200) },
    );
  });

  it('weights each question by the count it represents, and credits strata without differences', () => {
    // The last 20 questions, which no point gets right, represent 120.
    const strata = Array.from({ length: COUNT }, (_, index) => (index < 80 ? 0 : 1));
    const of = (sizes: readonly number[]) => {
      const design: SampleDesign = sampleDesign(strata, sizes);
      const drawn = drawReplicates(design, { seed: 1, count: 400 });
      const [better, worse] = [curve([0.001, 70], [0.9, 70]), curve([0.001, 60], [0.9, 60])];
      return compareCurves(meanOf(better, drawn), meanOf(worse, drawn), design);
    };
    const screened = of([80, 120]);
    expect(screened.value).toBeCloseTo(0.05, 10);
    // The second stratum shows no variation, so it gets 0.6² · p (1 - p) / 20 with p = 1 / 42.
    const creditReach = 1.96 * Math.sqrt((0.36 * (1 / 42) * (41 / 42)) / 20);
    expect(screened.low).toBeLessThan(0.05 - 0.95 * creditReach);
    expect(screened.high).toBeGreaterThan(0.05 + 0.95 * creditReach);
    expect(of([80, 20]).value).toBeCloseTo(0.1, 10);
    expect(of([80, 20]).low).toBeGreaterThan(0.03);
  });
});

describe('the statistic that chose points by their outcome', () => {
  const ENDS = { small: { cost: 0, accuracy: 0.4 }, large: { cost: 1, accuracy: 0.8 } };
  const SHARES = [0.02, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6];

  /** Places at `SHARES`, by the percentage of the gap that each recovers. */
  const places = (...recovered: readonly number[]): Place[] =>
    SHARES.map((cost, index) => ({ cost, accuracy: 0.4 + 0.004 * (recovered[index] ?? 0) }));
  const curveOf = (all: readonly Place[]) =>
    curve(...all.map(({ cost, accuracy }) => [cost, Math.round(100 * accuracy)] as const));

  /** The mean difference over the points of the first that recover 20 to 95 % of the gap. */
  function byOutcome(own: readonly Place[], other: readonly Place[]) {
    const chosen = own.filter(({ accuracy }) => {
      const recovered = gapRecovered(accuracy, ENDS) ?? 0;
      return recovered >= 0.2 && recovered <= 0.95;
    });
    const line = polyline([ENDS.small, ...other, ENDS.large]);
    const all = chosen.map(({ cost, accuracy }) => accuracy - accuracyAt(line, cost));
    return { value: all.reduce((sum, one) => sum + one, 0) / all.length, pointCount: all.length };
  }

  it('ranked a router below one that it beats at every share, by one point', () => {
    const random = SHARES.map((cost) => ({ cost, accuracy: 0.4 + 0.4 * cost }));
    const better = places(50, 50, 97.5, 97.5, 97.5, 97.5, 97.5);
    const worse = places(10, 10, 92.5, 97.5, 97.5, 97.5, 97.5);
    expect(byOutcome(worse, random).pointCount).toBe(1);
    expect(byOutcome(better, random).value).toBeLessThan(byOutcome(worse, random).value - 0.1);
    const straight = curveOf(random);
    const [high, low] = [curveOf(better), curveOf(worse)];
    const over = compare(high, straight).value ?? 0;
    expect(over).toBeGreaterThan(compare(low, straight).value ?? 1);
    expect(compare(high, low).low).toBeGreaterThan(0);
  });

  it('called each of two routers on one curve better than the other', () => {
    // A line between few points lies below a curve that bends, and each point of the other above it.
    const bent = (...costs: readonly number[]): Place[] =>
      costs.map((cost) => ({ cost, accuracy: 0.4 + 0.4 * (1 - Math.exp(-cost / 0.1)) }));
    const [one, two] = [bent(0.04, 0.25), bent(0.1, 0.29)];
    expect(byOutcome(one, two).value).toBeGreaterThan(0.02);
    expect(byOutcome(two, one).value).toBeGreaterThan(0.02);
    const first = curveOf(bent(0.02, 0.04, 0.08, 0.16, 0.32, 0.6));
    const second = curveOf(bent(0.015, 0.028, 0.057, 0.113, 0.226, 0.45));
    const { value, low, high } = compare(first, second);
    expect(Math.abs(value ?? 1)).toBeLessThan(0.01);
    expect((low ?? 0) * (high ?? 0)).toBeLessThanOrEqual(0);
    expect(compare(second, first).value).toBe(0 - (value ?? Number.NaN));
  });
});
