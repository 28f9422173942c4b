import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import {
  expectedRejection,
  leastSquares,
  riskAverseThreshold,
  riskBound,
  thresholdAt,
} from './rejection-law.ts';

const SHARE = fc.double({ min: 0, max: 1, noNaN: true });
const POINTS = fc.array(fc.tuple(SHARE, SHARE), { minLength: 3, maxLength: 60 });
const LAW = fc.record({
  slope: fc.double({ min: 0.01, max: 3, noNaN: true }),
  intercept: fc.double({ min: -0.5, max: 0.5, noNaN: true }),
});

const columns = (points: readonly (readonly [number, number])[]) =>
  [points.map(([x]) => x), points.map(([, y]) => y)] as const;

/** The normal equations of y ≈ a·x + b by Cramer's rule: another way to the same line. */
function direct(points: readonly (readonly [number, number])[]): [number, number] {
  const sum = (of: (x: number, y: number) => number): number =>
    points.reduce((total, [x, y]) => total + of(x, y), 0);
  const [n, x, y] = [points.length, sum((a) => a), sum((_, b) => b)];
  const [xx, xy] = [sum((a) => a * a), sum((a, b) => a * b)];
  const determinant = n * xx - x * x;
  return [(n * xy - x * y) / determinant, (xx * y - x * xy) / determinant];
}

describe('least squares', () => {
  it('solve the normal equations', () => {
    fc.assert(
      fc.property(POINTS, (points) => {
        const xs = points.map(([x]) => x);
        fc.pre(Math.max(...xs) - Math.min(...xs) > 0.05);
        const line = leastSquares(...columns(points));
        const [slope, intercept] = direct(points);
        expect(line?.slope).toBeCloseTo(slope, 8);
        expect(line?.intercept).toBeCloseTo(intercept, 8);
      }),
      { numRuns: runs(100, 2000) },
    );
  });

  it('leave no other line with a smaller error', () => {
    fc.assert(
      fc.property(POINTS, SHARE, SHARE, (points, da, db) => {
        const line = leastSquares(...columns(points));
        fc.pre(line !== null);
        const error = (a: number, b: number): number =>
          points.reduce((sum, [x, y]) => sum + (y - a * x - b) ** 2, 0);
        const least = error(line.slope, line.intercept);
        const other = error(line.slope + da - 0.5, line.intercept + db - 0.5);
        expect(other).toBeGreaterThanOrEqual(least - 1e-9);
      }),
      { numRuns: runs(100, 2000) },
    );
  });

  it('give a worked example: (0, 0), (1, 1), (2, 1), (3, 2)', () => {
    const line = leastSquares([0, 1, 2, 3], [0, 1, 1, 2]);
    expect(line?.slope).toBeCloseTo(0.6, 12);
    expect(line?.intercept).toBeCloseTo(0.1, 12);
    expect(line?.correlation).toBeCloseTo(3 / Math.sqrt(5 * 2), 12);
  });

  it('have no line where x does not vary, and no correlation where y does not', () => {
    expect(leastSquares([0.25, 0.25], [0, 1])).toBe(null);
    expect(leastSquares([0, 1], [0.5, 0.5])).toEqual({
      slope: 0,
      intercept: 0.5,
      correlation: null,
    });
    expect(leastSquares([0, 1, 2], [3, 2, 1])?.correlation).toBe(-1);
  });
});

describe('thresholds', () => {
  it('of the paper: a = 0.815, b = -0.066', () => {
    const law = { slope: 0.815, intercept: -0.066 };
    expect(riskAverseThreshold(law)).toBeCloseTo(0.081, 3);
    expect(thresholdAt(law, 0.5)).toBeCloseTo(0.694, 3);
    expect(expectedRejection(law, 0.05)).toBe(0);
    expect(expectedRejection({ slope: 2, intercept: 0 }, 0.9)).toBe(1);
  });

  it('have the tolerated rejection, and none is averse without a negative b', () => {
    fc.assert(
      fc.property(LAW, SHARE, (law, rejection) => {
        const threshold = thresholdAt(law, rejection);
        expect(law.slope * threshold + law.intercept).toBeCloseTo(rejection, 9);
        const averse = riskAverseThreshold(law);
        expect(averse === null).toBe(law.intercept >= 0);
        if (averse !== null) expect(expectedRejection(law, averse)).toBeCloseTo(0, 9);
      }),
      { numRuns: runs(100, 2000) },
    );
  });
});

it('bounds the risk: what is expected of skipped drafts never exceeds that of the threshold', () => {
  fc.assert(
    fc.property(LAW, SHARE, fc.array(SHARE, { minLength: 1 }), (law, threshold, all) => {
      const skipped = all.filter((u) => u <= threshold);
      fc.pre(skipped.length > 0);
      const expected = skipped.reduce((sum, u) => sum + expectedRejection(law, u), 0);
      expect(expected / skipped.length).toBeLessThanOrEqual(riskBound(law, threshold) + 1e-12);
    }),
    { numRuns: runs(100, 2000) },
  );
});
