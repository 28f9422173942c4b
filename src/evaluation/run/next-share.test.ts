import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { brackets, POINTS_MIN, relevantCount } from '../curves/interval-mean.ts';
import { FOUR_DOUBLINGS } from '../curves/share-interval.ts';
import { firstShares, nextShare, type SharePoint } from './next-share.ts';

const INTERVAL = FOUR_DOUBLINGS;

/** Points that got exactly what was asked for. */
const exact = (...shares: readonly number[]): SharePoint[] =>
  shares.map((share) => ({ asked: share, measured: share }));

describe('the first shares', () => {
  it('reach over the interval in even steps of ratios', () => {
    expect(firstShares(INTERVAL, 7)).toEqual([0.0125, 0.0238, 0.0454, 0.0866, 0.165, 0.315, 0.6]);
    expect(firstShares({ low: 0.2, high: 0.9 }, 2)).toEqual([0.1, 0.95]);
    expect(firstShares(INTERVAL, 1)).toEqual([0.1]);
  });

  it('are enough where measured shares are those asked for', () => {
    expect(nextShare(exact(...firstShares(INTERVAL, 7)), INTERVAL)).toBeNull();
  });
});

describe('the next share', () => {
  it('lies below or above all others while none reaches over the interval', () => {
    expect(nextShare(exact(0.05, 0.1, 0.2), INTERVAL)).toBe(0.025);
    expect(nextShare([{ asked: 0.01, measured: 0.03 }, ...exact(0.1)], INTERVAL)).toBe(0.005);
    expect(nextShare([...exact(0.01), { asked: 0.6, measured: 0.3 }], INTERVAL)).toBe(0.8);
  });

  it('lies in the widest stretch of measured shares inside the interval', () => {
    expect(nextShare(exact(0.001, 0.02, 0.16, 0.2, 0.6), INTERVAL)).toBe(0.0566);
    const bent = [
      { asked: 0.02, measured: 0.02 },
      { asked: 0.04, measured: 0.2 },
      { asked: 0.5, measured: 0.5 },
    ];
    expect(nextShare(bent, INTERVAL)).toBe(0.0283);
  });

  it('makes every rising curve comparable in six steps', () => {
    const power = fc.double({ min: 0.6, max: 1.6, noNaN: true });
    fc.assert(
      fc.property(power, (exponent) => {
        const measure = (asked: number): SharePoint => ({ asked, measured: asked ** exponent });
        const points = firstShares(INTERVAL, 7).map(measure);
        for (let step = 0; step < 6; step += 1) {
          const share = nextShare(points, INTERVAL);
          if (share === null) break;
          expect(points.map(({ asked }) => asked)).not.toContain(share);
          points.push(measure(share));
        }
        const shares = points.map(({ measured }) => measured);
        expect(brackets(shares, INTERVAL)).toBe(true);
        expect(relevantCount(shares, INTERVAL)).toBeGreaterThanOrEqual(POINTS_MIN);
      }),
      { numRuns: runs(50, 500) },
    );
  });
});
