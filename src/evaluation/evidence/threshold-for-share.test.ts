import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeferralSide } from '../../judging/gate.ts';
import { parseStrategy } from '../../strategy/strategy-value.ts';
import { deferredShare, thresholdForShare, type WeightedScores } from './threshold-for-share.ts';

const SIDES: readonly DeferralSide[] = ['above', 'below'];
const SIDE = fc.constantFrom(...SIDES);
const SHARE = fc.double({ min: 0, max: 1, noNaN: true });
const SCORES = fc.array(fc.double({ min: 0, max: 12, noNaN: true }), {
  minLength: 1,
  maxLength: 40,
});

/** Scores of equal weight. */
function even(scores: readonly number[]): WeightedScores {
  return { scores, weights: scores.map(() => 1) };
}

describe('a threshold for a share', () => {
  it('defers the wanted share, to the nearest score, where no two scores are equal', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(10_000), { minLength: 1, maxLength: 40 }),
        SHARE,
        SIDE,
        (numbers, share, side) => {
          const scores = numbers.map((number) => number / 997);
          const deferred = deferredShare(
            even(scores),
            thresholdForShare(even(scores), share, side),
            side,
          );
          expect(Math.round(deferred * scores.length)).toBe(Math.round(share * scores.length));
        },
      ),
    );
  });

  it('is off by no more than the equal scores around it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(5), { minLength: 1, maxLength: 40 }),
        SHARE,
        SIDE,
        (scores, share, side) => {
          const threshold = thresholdForShare(even(scores), share, side);
          const count = Math.round(deferredShare(even(scores), threshold, side) * scores.length);
          const wanted = Math.round(share * scores.length);
          const order = [...scores].sort((a, b) => (side === 'above' ? b - a : a - b));
          const alike = scores.filter((score) => score === order[Math.max(0, wanted - 1)]).length;
          expect(Math.abs(count - wanted)).toBeLessThanOrEqual(alike);
        },
      ),
    );
  });

  it('defers no score for a share of 0, and every score for a share of 1', () => {
    fc.assert(
      fc.property(SCORES, SIDE, (scores, side) => {
        expect(deferredShare(even(scores), thresholdForShare(even(scores), 0, side), side)).toBe(0);
        expect(deferredShare(even(scores), thresholdForShare(even(scores), 1, side), side)).toBe(1);
      }),
    );
  });

  it('counts a score by its weight, like that many equal scores', () => {
    const score = fc.record({ score: fc.nat(10_000), weight: fc.integer({ min: 1, max: 4 }) });
    const scoresOnce = fc.uniqueArray(score, { minLength: 1, selector: (one) => one.score });
    fc.assert(
      fc.property(scoresOnce, SHARE, SIDE, (all, share, side) => {
        const weighted = {
          scores: all.map((one) => one.score),
          weights: all.map((one) => one.weight),
        };
        const repeated = even(all.flatMap((one) => new Array(one.weight).fill(one.score)));
        const threshold = thresholdForShare(weighted, share, side);
        const deferred = deferredShare(weighted, threshold, side);
        expect(deferred).toBeCloseTo(deferredShare(repeated, threshold, side), 12);
        // Within half of the heaviest score of the wanted share.
        expect(Math.abs(deferred - share) * repeated.scores.length).toBeLessThanOrEqual(2 + 1e-9);
      }),
    );
  });

  it('defers no fewer scores for a larger share', () => {
    fc.assert(
      fc.property(SCORES, SHARE, SHARE, SIDE, (scores, a, b, side) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((share) =>
          deferredShare(even(scores), thresholdForShare(even(scores), share, side), side),
        );
        expect(less).toBeLessThanOrEqual(more ?? 0);
      }),
    );
  });

  it('survives being written as text and read back', () => {
    fc.assert(
      fc.property(SCORES, SHARE, (scores, share) => {
        for (const [name, side] of [
          ['entropy', 'above'],
          ['margin', 'below'],
        ] as const) {
          const threshold = thresholdForShare(even(scores), share, side);
          expect(parseStrategy(`${name}@${threshold}`).threshold).toBe(threshold);
        }
      }),
    );
  });

  it('has few digits where those suffice', () => {
    expect(thresholdForShare(even([0.1, 0.2, 0.9]), 1 / 3, 'above')).toBe(0.55);
    expect(thresholdForShare(even([0.123_456, 0.345_678, 0.9]), 1 / 3, 'below')).toBe(0.2346);
    expect(thresholdForShare(even([1.000_001, 1.000_002, 9]), 1 / 3, 'below')).toBeCloseTo(
      1.000_001_5,
      9,
    );
  });
});

it('the deferred share of no scores is 0', () => {
  expect(deferredShare(even([]), 1, 'above')).toBe(0);
});
