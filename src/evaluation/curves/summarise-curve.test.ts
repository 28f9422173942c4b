import { describe, expect, it } from 'vitest';
import { fullDesign } from '../screening/sample-design.ts';
import { drawReplicates } from '../statistics/bootstrap.ts';
import { type CurvePoint, curvePoint, placeOf } from './curve-point.ts';
import { summariseCurve } from './summarise-curve.ts';

const COUNT = 100;

/** The first `right` questions except the first `wrong` are right, each at the same cost. */
function point(cost: number, right: number, { wrong = 0 } = {}): CurvePoint {
  return curvePoint(cost, [
    {
      isRight: Array.from({ length: COUNT }, (_, index) => index >= wrong && index < right + wrong),
      costNumerator: new Array(COUNT).fill(cost),
      costDenominator: new Array(COUNT).fill(1),
    },
  ]);
}

const anchors = { small: point(0, 40), large: point(1, 80) };
const replicates = drawReplicates(fullDesign(COUNT), { seed: 1, count: 400 });

describe('a point', () => {
  it('has the ratio of sums as its cost, and averages runs question by question', () => {
    const two = curvePoint(0.5, [
      { isRight: [true, false], costNumerator: [1, 0], costDenominator: [10, 2] },
      { isRight: [false, false], costNumerator: [3, 2], costDenominator: [10, 2] },
    ]);
    expect([...two.isRight]).toEqual([0.5, 0]);
    expect(placeOf(two, Float64Array.of(0.5, 0.5))).toEqual({ cost: 3 / 12, accuracy: 0.25 });
    expect(placeOf(two, Float64Array.of(0, 1))).toEqual({ cost: 0.5, accuracy: 0 });
    const nothing = { isRight: [1], costNumerator: [0], costDenominator: [0] };
    expect(placeOf(curvePoint(null, [nothing]), Float64Array.of(1)).cost).toBe(0);
    expect(() => curvePoint(0, [])).toThrow(/no run/);
    expect(() => placeOf(two, Float64Array.of(1))).toThrow(/sampled questions/);
  });
});

describe('a summary', () => {
  it('has no values if no point costs less than the large model', () => {
    const points = [point(1, 82), point(1.2, 85)];
    const nothing = { value: null, low: null, high: null };
    expect(summariseCurve({ axis: 'generatedFlopsRatio', points, anchors }, replicates)).toEqual({
      axis: 'generatedFlopsRatio',
      ...{ apgr: nothing, cpt50: nothing, cpt80: nothing, cpt95: nothing },
    });
    const reached = summariseCurve(
      { axis: 'generatedFlopsRatio', points: [...points, point(0.99, 60)], anchors },
      replicates,
    );
    expect(reached.cpt50.value).toBeCloseTo(0.99, 12);
  });

  it('has the numbers of the curve, with an interval', () => {
    const curve = { axis: 'largeShare' as const, points: [point(0.5, 80)], anchors };
    const summary = summariseCurve(curve, replicates);
    // The same questions are right as for the large model: the ratios cannot vary.
    const always = (value: number) => {
      const near = expect.closeTo(value, 10);
      return { value: near, low: near, high: near };
    };
    expect(summary).toEqual({
      axis: 'largeShare',
      apgr: always(0.75),
      ...{ cpt50: always(0.25), cpt80: always(0.4), cpt95: always(0.475) },
    });
    const varying = summariseCurve(
      { ...curve, points: [point(0.5, 65, { wrong: 5 })] },
      replicates,
    );
    expect(varying.apgr.low).toBeLessThan((varying.apgr.value ?? 0) - 0.02);
    expect(varying.apgr.high).toBeGreaterThan((varying.apgr.value ?? 0) + 0.02);
    // At half of the way about 5/8 of the gap are recovered, and at the end all of it.
    expect(varying.cpt80.low).toBeLessThan((varying.cpt80.value ?? 0) - 0.02);
    expect(varying.cpt80.high).toBeGreaterThan((varying.cpt80.value ?? 1) + 0.02);
  });

  it('resamples the anchors too: 10 of 40 more right is about a quarter of the gap', () => {
    const points = [point(0.5, 50)];
    const curve = { axis: 'largeShare' as const, points, anchors };
    const { low, high } = summariseCurve(curve, replicates).apgr;
    // The gap recovered is binomial(about 40, 1/4) / 40, half of it and a quarter make the average.
    const reach = 0.5 * 1.96 * Math.sqrt((0.25 * 0.75) / 40);
    expect(low).toBeCloseTo(0.375 - reach, 1);
    expect(high).toBeCloseTo(0.375 + reach, 1);
    expect((high ?? 0) - (low ?? 0)).toBeGreaterThan(1.6 * reach);
    expect((high ?? 0) - (low ?? 0)).toBeLessThan(2.4 * reach);
  });

  it('is empty where the large model is not better, and has no interval where that is uncertain', () => {
    const points = [point(0.5, 60)];
    const axis = 'generatedFlopsRatio' as const;
    const worse = { small: point(0, 80), large: point(1, 80) };
    const nothing = { value: null, low: null, high: null };
    expect(summariseCurve({ axis, points, anchors: worse }, replicates)).toEqual({
      axis,
      apgr: nothing,
      ...{ cpt50: nothing, cpt80: nothing, cpt95: nothing },
    });
    const doubtful = { small: point(0, 78), large: point(1, 80) };
    const summary = summariseCurve({ axis, points, anchors: doubtful }, replicates);
    expect(summary.apgr).toEqual({ value: expect.any(Number), low: null, high: null });
  });
});
