import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CostCurve, forwardMs } from './step-costs.ts';

const curveOf = (points: readonly (readonly [number, number])[]): CostCurve => ({
  points: points.map(([rowCount, ms]) => ({ rowCount, ms })),
});

const CURVE = curveOf([
  [1, 10],
  [2, 14],
  [4, 30],
  [8, 32],
]);

const anyCurve: fc.Arbitrary<CostCurve> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.double({ min: 0, max: 50, noNaN: true })), {
    maxLength: 8,
  })
  .map((steps) => {
    let [rowCount, ms] = [1, 5];
    const rest = steps.map(([rows, rise]): [number, number] => {
      rowCount += rows;
      ms += rise;
      return [rowCount, ms];
    });
    return curveOf([[1, 5], ...rest]);
  });

describe('forwardMs', () => {
  it('goes through the measured points', () => {
    fc.assert(
      fc.property(anyCurve, (curve) => {
        for (const { rowCount, ms } of curve.points) {
          expect(forwardMs(curve, rowCount)).toBeCloseTo(ms, 9);
        }
      }),
    );
  });

  it('is linear between two points', () => {
    expect(forwardMs(CURVE, 3)).toBeCloseTo(22, 12);
    expect(forwardMs(CURVE, 6)).toBeCloseTo(31, 12);
  });

  it('continues with the last slope beyond the last point', () => {
    expect(forwardMs(CURVE, 10)).toBeCloseTo(33, 12);
    expect(forwardMs(CURVE, 512)).toBeCloseTo(32 + 504 * 0.5, 9);
  });

  it('is the first point before the first point', () => {
    expect(
      forwardMs(
        curveOf([
          [4, 30],
          [8, 40],
        ]),
        1,
      ),
    ).toBe(30);
  });

  it('is flat if only one point is known', () => {
    const curve = curveOf([[1, 12]]);
    expect([1, 2, 100].map((rows) => forwardMs(curve, rows))).toEqual([12, 12, 12]);
  });

  it('is infinite if no point is known, so that it is never chosen', () => {
    expect(forwardMs({ points: [] }, 1)).toBe(Number.POSITIVE_INFINITY);
  });

  it('never falls with more rows on a curve that never falls', () => {
    fc.assert(
      fc.property(anyCurve, fc.integer({ min: 1, max: 60 }), (curve, rows) => {
        expect(forwardMs(curve, rows + 1)).toBeGreaterThanOrEqual(forwardMs(curve, rows) - 1e-9);
      }),
    );
  });

  it('accepts a row count that was measured twice', () => {
    const curve = curveOf([
      [1, 10],
      [2, 12],
      [2, 14],
    ]);
    expect(Number.isFinite(forwardMs(curve, 2))).toBe(true);
    expect(Number.isFinite(forwardMs(curve, 3))).toBe(true);
  });
});
