import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALWAYS,
  type Calibration,
  NEVER,
  thresholdForQuality,
  thresholdForTokenShare,
} from './calibration.ts';

const ON = 'a formula';
const point = (threshold: number, share: number, agreement = share, gap: number | null = null) => {
  return { threshold, share, agreement, gapRecovered: gap };
};

/** Thresholds and shares both ascend. */
const anyCalibration: fc.Arbitrary<Calibration> = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 1, max: 999 })), {
    maxLength: 12,
    selector: ([threshold]) => threshold,
  })
  .map((pairs) => {
    const thresholds = pairs.map(([threshold]) => threshold / 1000).sort((a, b) => a - b);
    const shares = [...new Set(pairs.map(([, share]) => share / 1000))].sort((a, b) => a - b);
    return { on: ON, points: shares.map((share, at) => point(thresholds[at] ?? 1, share)) };
  });
const anyShare = fc.double({ min: 0, max: 1, noNaN: true });

describe('the threshold for a share', () => {
  it('never falls as the share grows, and lies between the ends', () => {
    fc.assert(
      fc.property(anyCalibration, anyShare, anyShare, (calibration, a, b) => {
        const [less, more] = a <= b ? [a, b] : [b, a];
        const low = thresholdForTokenShare(calibration, less);
        const high = thresholdForTokenShare(calibration, more);
        expect(low).toBeLessThanOrEqual(high);
        expect(low).toBeGreaterThanOrEqual(NEVER);
        expect(high).toBeLessThanOrEqual(more >= 1 ? ALWAYS : 1);
      }),
    );
  });

  it('is exact at a measured share, and linear between two', () => {
    fc.assert(
      fc.property(anyCalibration, (calibration) => {
        const { points } = calibration;
        for (const [at, { share, threshold }] of points.entries()) {
          expect(thresholdForTokenShare(calibration, share)).toBe(threshold);
          const next = points[at + 1] ?? point(1, 1);
          const middle = thresholdForTokenShare(calibration, (share + next.share) / 2);
          expect(middle).toBeCloseTo((threshold + next.threshold) / 2, 9);
        }
      }),
    );
  });

  it('never defers at a share of 0, and always defers at 1', () => {
    const { points } = { points: [point(0.2, 0.1), point(1, 0.9)] };
    for (const calibration of [
      { on: ON, points },
      { on: ON, points: [] },
    ]) {
      expect(thresholdForTokenShare(calibration, 0)).toBe(NEVER);
      expect(thresholdForTokenShare(calibration, 1)).toBe(ALWAYS);
    }
    // Scores of 0 and of 1 are both possible.
    expect(1 < ALWAYS && !(0 < NEVER)).toBe(true);
    expect(thresholdForTokenShare({ on: ON, points: [] }, 0.3)).toBeCloseTo(0.3, 12);
    expect(thresholdForTokenShare({ on: ON, points }, 0.05)).toBeCloseTo(0.1, 12);
  });
});

describe('the threshold for a quality', () => {
  const calibration = {
    on: ON,
    points: [point(0.2, 0.1, 0.9, 0.3), point(0.4, 0.2, 0.95, null), point(0.6, 0.3, 0.99, 0.8)],
  };

  it('is the cheapest that recovers the requested part of the gap, or reaches the agreement', () => {
    expect(thresholdForQuality(calibration, 'gapRecovered', 0.3)).toBe(0.2);
    expect(thresholdForQuality(calibration, 'gapRecovered', 0.31)).toBe(0.6);
    expect(thresholdForQuality(calibration, 'agreement', 0.95)).toBe(0.4);
  });

  it('is refused if no measured threshold reaches it', () => {
    expect(() => thresholdForQuality(calibration, 'gapRecovered', 0.81)).toThrow(
      expect.objectContaining({ code: 'threshold-invalid', fields: { quality: 0.81 } }),
    );
    const ungraded = { on: ON, points: calibration.points.slice(1, 2) };
    expect(() => thresholdForQuality(ungraded, 'gapRecovered', 0.1)).toThrow(/no gap/);
  });
});
