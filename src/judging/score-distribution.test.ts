import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeferralSide, defers } from './gate.ts';
import { ScoreDistribution } from './score-distribution.ts';

const SIDE = fc.constantFrom<DeferralSide>('above', 'below');
const SHARE = fc.double({ min: 0, max: 1, noNaN: true });
const SCORES = fc.array(fc.double({ min: 0, max: 12, noNaN: true }), {
  minLength: 1,
  maxLength: 40,
});
/** Few values, so that many are equal. */
const TIED = fc.array(fc.nat(5), { minLength: 1, maxLength: 40 });

describe('a threshold for a share', () => {
  it('defers the wanted share, to the nearest score, where no two scores are equal', () => {
    const different = fc.uniqueArray(fc.nat(10_000), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(different, SHARE, SIDE, (numbers, share, side) => {
        const scores = numbers.map((number) => number / 997);
        const { threshold } = new ScoreDistribution(scores, side).cutFor(share);
        const deferred = scores.filter((score) => defers(side, score, threshold)).length;
        expect(deferred).toBe(Math.round(share * scores.length));
      }),
    );
  });

  it('takes the nearest share that the scores allow, and says which it is', () => {
    fc.assert(
      fc.property(TIED, SHARE, SIDE, (scores, share, side) => {
        const distribution = new ScoreDistribution(scores, side);
        const cut = distribution.cutFor(share);
        const shareAt = (threshold: number): number =>
          scores.filter((score) => defers(side, score, threshold)).length / scores.length;
        expect(cut.share).toBeCloseTo(shareAt(cut.threshold), 12);
        expect(distribution.deferredShare(cut.threshold)).toBe(cut.share);
        const possible = [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5].map(shareAt);
        const nearest = Math.min(...possible.map((one) => Math.abs(one - share)));
        expect(Math.abs(cut.share - share)).toBeCloseTo(nearest, 12);
      }),
    );
  });

  it('defers no score for a share of 0, and every score for a share of 1', () => {
    fc.assert(
      fc.property(SCORES, SIDE, (scores, side) => {
        const distribution = new ScoreDistribution(scores, side);
        const [none, all] = [distribution.cutFor(0).threshold, distribution.cutFor(1).threshold];
        expect(scores.some((score) => defers(side, score, none))).toBe(false);
        expect(scores.every((score) => defers(side, score, all))).toBe(true);
      }),
    );
  });

  it('counts a score by its weight, like that many equal scores', () => {
    const score = fc.record({ score: fc.nat(20), weight: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(fc.array(score, { minLength: 1 }), SHARE, SIDE, (all, share, side) => {
        const weighted = new ScoreDistribution(
          all.map((one) => one.score),
          side,
          all.map((one) => one.weight),
        );
        const repeated = all.flatMap((one) => new Array<number>(one.weight).fill(one.score));
        expect(weighted.cutFor(share)).toEqual(new ScoreDistribution(repeated, side).cutFor(share));
      }),
    );
  });

  it('defers no fewer scores for a larger share', () => {
    fc.assert(
      fc.property(SCORES, SHARE, SHARE, SIDE, (scores, a, b, side) => {
        const distribution = new ScoreDistribution(scores, side);
        const [less, more] = a <= b ? [a, b] : [b, a];
        expect(distribution.cutFor(less).share).toBeLessThanOrEqual(
          distribution.cutFor(more).share,
        );
      }),
    );
  });

  it('has few digits where those suffice', () => {
    const cut = (scores: readonly number[], side: DeferralSide): number =>
      new ScoreDistribution(scores, side).cutFor(1 / 3).threshold;
    expect(cut([0.1, 0.2, 0.9], 'above')).toBe(0.55);
    expect(cut([0.123_456, 0.345_678, 0.9], 'below')).toBe(0.2346);
    expect(cut([1.000_001, 1.000_002, 9], 'below')).toBeCloseTo(1.000_001_5, 9);
    expect(cut([2e-9, 5e-9, 0.5], 'below')).toBe(3.5e-9);
  });

  it('parts neighbouring numbers, between which there is none', () => {
    const next = 1 + Number.EPSILON;
    for (const side of ['above', 'below'] as const) {
      const { threshold, share } = new ScoreDistribution([1, next], side).cutFor(0.5);
      expect(share).toBe(0.5);
      expect([defers(side, 1, threshold), defers(side, next, threshold)]).toEqual([
        side === 'below',
        side === 'above',
      ]);
    }
  });
});

it('the deferred share of no scores is 0', () => {
  expect(new ScoreDistribution([], 'above').deferredShare(1)).toBe(0);
});
