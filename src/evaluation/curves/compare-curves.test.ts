import { describe, expect, it } from 'vitest';
import { fullDesign, sampleDesign } from '../screening/sample-design.ts';
import { drawReplicates } from '../statistics/bootstrap.ts';
import { compareCurves } from './compare-curves.ts';
import { type CurvePoint, curvePoint, placeOf } from './curve-point.ts';
import { summariseCurve } from './summarise-curve.ts';

const COUNT = 100;

/** The first `right` questions except the first `wrong` are right, each at the same cost. */
function point(cost: number, right: number, { wrong = 0, threshold = cost } = {}): CurvePoint {
  return curvePoint(threshold, [
    {
      isRight: Array.from({ length: COUNT }, (_, index) => index >= wrong && index < right + wrong),
      costNumerator: new Array(COUNT).fill(cost),
      costDenominator: new Array(COUNT).fill(1),
    },
  ]);
}

const anchors = { small: point(0, 40), large: point(1, 80) };
const replicates = drawReplicates(fullDesign(COUNT), { seed: 1, count: 400 });

function compare(points: readonly CurvePoint[], controlPoints: readonly CurvePoint[]) {
  const strategyCurve = { axis: 'largeShare' as const, points, anchors };
  const names = { strategy: 'entropy', control: 'random' };
  return compareCurves({ ...names, strategyCurve, controlPoints }, replicates);
}

describe('a point', () => {
  it('has the ratio of sums as its cost, and averages runs question by question', () => {
    const two = curvePoint(0.5, [
      { isRight: [true, false], costNumerator: [1, 0], costDenominator: [10, 2] },
      { isRight: [false, false], costNumerator: [3, 2], costDenominator: [10, 2] },
    ]);
    expect([...two.isRight]).toEqual([0.5, 0]);
    expect([...two.isRightFirst]).toEqual([1, 0]);
    expect(placeOf(two, Float64Array.of(0.5, 0.5))).toEqual({ cost: 3 / 12, accuracy: 0.25 });
    expect(placeOf(two, Float64Array.of(0, 1))).toEqual({ cost: 0.5, accuracy: 0 });
    const nothing = { isRight: [1], costNumerator: [0], costDenominator: [0] };
    expect(placeOf(curvePoint(null, [nothing]), Float64Array.of(1)).cost).toBe(0);
    expect(() => curvePoint(0, [])).toThrow(/no run/);
    expect(() => placeOf(two, Float64Array.of(1))).toThrow(/sampled questions/);
  });
});

describe('a summary', () => {
  it('has the numbers of the curve, with an interval', () => {
    const curve = { axis: 'largeShare' as const, points: [point(0.5, 80)], anchors };
    const summary = summariseCurve(curve, replicates);
    expect(summary).toMatchObject({ axis: 'largeShare', apgr: expect.closeTo(0.75, 10) });
    expect(summary.cpt50).toBeCloseTo(0.25, 10);
    expect(summary.cpt80).toBeCloseTo(0.4, 10);
    expect(summary.cpt95).toBeCloseTo(0.475, 10);
    // The same questions are right as for the large model: the ratio cannot vary.
    expect(summary.apgrLow).toBeCloseTo(0.75, 10);
    expect(summary.apgrHigh).toBeCloseTo(0.75, 10);
    const varying = summariseCurve(
      { ...curve, points: [point(0.5, 65, { wrong: 5 })] },
      replicates,
    );
    expect(varying.apgrLow).toBeLessThan((varying.apgr ?? 0) - 0.02);
    expect(varying.apgrHigh).toBeGreaterThan((varying.apgr ?? 0) + 0.02);
  });

  it('resamples the anchors too: 10 of 40 more right is about a quarter of the gap', () => {
    const points = [point(0.5, 50)];
    const { apgrLow, apgrHigh } = summariseCurve(
      { axis: 'largeShare', points, anchors },
      replicates,
    );
    // The gap recovered is binomial(about 40, 1/4) / 40, half of it and a quarter make the average.
    const reach = 0.5 * 1.96 * Math.sqrt((0.25 * 0.75) / 40);
    expect(apgrLow).toBeCloseTo(0.375 - reach, 1);
    expect(apgrHigh).toBeCloseTo(0.375 + reach, 1);
    expect((apgrHigh ?? 0) - (apgrLow ?? 0)).toBeGreaterThan(1.6 * reach);
    expect((apgrHigh ?? 0) - (apgrLow ?? 0)).toBeLessThan(2.4 * reach);
  });

  it('is empty where the large model is not better, and has no interval where that is uncertain', () => {
    const points = [point(0.5, 60)];
    const axis = 'generatedFlopsRatio' as const;
    const worse = { small: point(0, 80), large: point(1, 80) };
    const nothing = { apgr: null, apgrLow: null, apgrHigh: null };
    const rest = { axis, cpt50: null, cpt80: null, cpt95: null };
    expect(summariseCurve({ axis, points, anchors: worse }, replicates)).toEqual({
      ...nothing,
      ...rest,
    });
    const doubtful = { small: point(0, 78), large: point(1, 80) };
    const summary = summariseCurve({ axis, points, anchors: doubtful }, replicates);
    expect(summary).toMatchObject({ apgr: expect.any(Number), apgrLow: null, apgrHigh: null });
  });
});

describe('a comparison', () => {
  it('interpolates the control at equal cost between its neighbours', () => {
    // The control's line at 0.4: 0.4 + 0.4 · (0.5 - 0.4) / 0.5 = 0.48.
    const { difference, pValue, pointCount } = compare([point(0.4, 60)], [point(0.5, 50)]);
    expect(pointCount).toBe(1);
    expect(difference.value).toBeCloseTo(0.12, 10);
    expect(difference.low).toBeGreaterThan(0.02);
    expect(difference.low).toBeLessThan(0.09);
    expect(difference.high).toBeGreaterThan(0.15);
    expect(difference.high).toBeLessThan(0.25);
    expect(pValue).toBeLessThan(0.01);
  });

  it('averages over the points that recover 20 to 95 % of the gap', () => {
    const control = [point(0.5, 60)];
    const outside = [point(0.1, 47), point(0.9, 79)];
    const inside = [point(0.25, 55), point(0.5, 70)];
    const { difference, pointCount, pairs } = compare([...outside, ...inside], control);
    expect(pointCount).toBe(2);
    expect(difference.value).toBeCloseTo((0.05 + 0.1) / 2, 10);
    expect(pairs.map((pair) => pair.threshold)).toEqual([0.25, 0.5]);
  });

  it('finds no difference between a control and itself', () => {
    const points = [point(0.3, 52), point(0.6, 66)];
    const { difference, pValue, pairs } = compare(points, points);
    expect(difference.value).toBeCloseTo(0, 12);
    expect(difference.low).toBeCloseTo(0, 12);
    expect(difference.high).toBeCloseTo(0, 12);
    expect(pValue).toBe(1);
    expect(pairs.map((pair) => pair.pValue)).toEqual([1, 1]);
  });

  it('pairs each point with the nearest measured one of the control', () => {
    const controls = [point(0.2, 48, { threshold: 7 }), point(0.55, 62, { threshold: 8 })];
    const { pairs } = compare([point(0.5, 65, { wrong: 6, threshold: 3 })], controls);
    expect(pairs).toEqual([
      {
        threshold: 3,
        controlThreshold: 8,
        cost: expect.closeTo(0.5, 10),
        controlCost: expect.closeTo(0.55, 10),
        onlyStrategyCount: 9,
        onlyControlCount: 6,
        pValue: expect.closeTo(0.607, 3),
      },
    ]);
    expect(compare([point(0.5, 65)], []).pairs).toEqual([]);
  });

  it('compares nothing where no point is in the range, or the large model is not better', () => {
    const nothing = { value: null, low: null, high: null };
    const head = { strategy: 'entropy', control: 'random', axis: 'largeShare' };
    const empty = { ...head, pointCount: 0, difference: nothing, pValue: null, pairs: [] };
    expect(compare([point(0.1, 41)], [point(0.5, 60)])).toEqual(empty);
  });

  it('weights each question by the count it represents, and credits strata without differences', () => {
    // The last 20 questions, which no point gets right, represent 120.
    const strata = Array.from({ length: COUNT }, (_, index) => (index < 80 ? 0 : 1));
    const points = [point(0.5, 70)];
    const names = { strategy: 'entropy', control: 'random' };
    const strategyCurve = { axis: 'largeShare' as const, points, anchors };
    const compared = { ...names, strategyCurve, controlPoints: [point(0.5, 60)] };
    const of = (sizes: readonly number[]) =>
      compareCurves(compared, drawReplicates(sampleDesign(strata, sizes), { seed: 1, count: 400 }));
    const screened = of([80, 120]).difference;
    expect(screened.value).toBeCloseTo(0.05, 10);
    // The second stratum shows no variation, so it gets 0.6² · p (1 - p) / 20 with p = 1 / 42.
    const creditReach = 1.96 * Math.sqrt((0.36 * (1 / 42) * (41 / 42)) / 20);
    expect(screened.low).toBeLessThan(0.05 - 0.9 * creditReach);
    expect(screened.high).toBeGreaterThan(0.05 + 0.9 * creditReach);
    expect(of([80, 20]).difference.value).toBeCloseTo(0.1, 10);
    expect(of([80, 20]).difference.low).toBeGreaterThan(0.03);
  });
});
