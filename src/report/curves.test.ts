import { describe, expect, it } from 'vitest';
import type { PointResult } from '../evaluation/results.ts';
import { controlsOf, curvePoints, pointName } from './curves.ts';
import { fakeResult } from './fakes/evaluation-result.ts';

const RESULT = fakeResult();
const [ONE] = RESULT.results.filter(({ strategy }) => strategy === 'random');

function seeds(...changes: Partial<PointResult>[]): PointResult[] {
  if (ONE === undefined) return expect.fail('the fake has a random gate');
  return changes.map((change, seed) => ({ ...ONE, seed, ...change }));
}

describe('curvePoints', () => {
  it('averages the seeds of one strategy and threshold, and no others', () => {
    const points = curvePoints([
      ...seeds(
        { accuracy: 0.5, accuracyLow: 0.4, accuracyHigh: 0.6, largeShare: 0.2 },
        { accuracy: 0.6, accuracyLow: 0.5, accuracyHigh: 0.7, largeShare: 0.4 },
      ),
      ...seeds({ threshold: 0.7 }),
    ]);
    expect(points).toHaveLength(2);
    expect(points[0]).toMatchObject({ seedCount: 2, accuracy: 0.55 });
    expect(points[0]?.low).toBeCloseTo(0.45, 12);
    expect(points[0]?.high).toBeCloseTo(0.65, 12);
    expect(points[0]?.largeShare).toBeCloseTo(0.3, 12);
  });

  it('widens the interval to include every seed', () => {
    const [point] = curvePoints(
      seeds(
        { accuracy: 0.2, accuracyLow: 0.18, accuracyHigh: 0.22 },
        { accuracy: 0.8, accuracyLow: 0.78, accuracyHigh: 0.82 },
      ),
    );
    expect([point?.low, point?.high]).toEqual([0.2, 0.8]);
  });

  it('leaves values that only some seeds have out of the mean', () => {
    const [point] = curvePoints(
      seeds(
        { timeRatios: { box: 0.5, other: 1 }, gapRecovered: null, isOnFront: true },
        { timeRatios: { box: 0.7 }, gapRecovered: 0.4, isOnFront: false },
      ),
    );
    expect(Object.keys(point?.timeRatios ?? {})).toEqual(['box']);
    expect(point?.timeRatios['box']).toBeCloseTo(0.6, 12);
    expect([point?.gapRecovered, point?.isOnFront]).toEqual([0.4, true]);
  });
});

describe('controlsOf', () => {
  it('finds the random controls', () => {
    expect([...controlsOf(RESULT)]).toEqual(['random', 'random-transmission', 'random-query']);
  });

  it('reads the facts of a strategy in the result, not its name', () => {
    expect(controlsOf({ results: seeds({ strategy: 'random', controlOf: null }) })).toEqual(
      new Set(),
    );
    const stepControl = seeds({ strategy: 'dice', unit: 'step', controlOf: 'step' });
    expect([...controlsOf({ results: stepControl })]).toEqual(['dice']);
  });
});

describe('pointName', () => {
  it('adds the threshold', () => {
    expect(pointName({ strategy: 'entropy', threshold: 0.25 })).toBe('entropy@0.25');
    expect(pointName({ strategy: 'large', threshold: null })).toBe('large');
  });

  it('gives different names to thresholds that are nearly equal, or nearly 1', () => {
    const names = [0.99998, 0.999985, 1].map((threshold) =>
      pointName({ strategy: 'margin', threshold }),
    );
    expect(names).toEqual(['margin@0.99998', 'margin@0.999985', 'margin@1']);
  });
});
