import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thresholdForTokenShare } from '../../judging/calibration.ts';
import { tinyRouter } from '../../judging/fakes/tiny-router.ts';
import { routerScore } from '../../judging/router.ts';
import { atOnce } from '../../network/steps.ts';
import { FEATURES, HIDDEN_SIZE, labelledExamples } from '../fakes/examples.ts';
import { calibrationAlong, type ScoredToken, scoredTokens } from './calibrate-along.ts';

const anyTokens: fc.Arbitrary<readonly ScoredToken[]> = fc.array(
  fc.record({
    // There are few values, so many scores are equal.
    score: fc.oneof(
      fc.nat(20).map((at) => at / 20),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
    differs: fc.boolean(),
  }),
  { minLength: 1, maxLength: 300, size: 'max' },
);

describe('calibration along traces', () => {
  it('gives for each threshold the numbers that counting gives', () => {
    fc.assert(
      fc.property(anyTokens, (tokens) => {
        const { points, on } = calibrationAlong(tokens, 'tokens');
        expect(on).toBe('tokens');
        expect(points.length).toBeGreaterThan(0);
        for (const { threshold, share, agreement, gapRecovered } of points) {
          const isCalled = ({ score }: ScoredToken): boolean => score < threshold;
          const called = tokens.filter(isCalled).length;
          const right = tokens.filter((token) => isCalled(token) || !token.differs).length;
          expect(share).toBe(called / tokens.length);
          expect(agreement).toBeCloseTo(right / tokens.length, 12);
          expect(gapRecovered).toBeNull();
        }
        for (const [at, point] of points.slice(1).entries()) {
          expect(point.threshold).toBeGreaterThan(points[at]?.threshold ?? 1);
          expect(point.share).toBeGreaterThan(points[at]?.share ?? 1);
        }
      }),
    );
  });

  it('comes as near to any share as the tokens allow, where no two scores are equal', () => {
    const tokens = Array.from({ length: 1000 }, (_, at) => {
      return { score: ((at * 619) % 1000) / 1000 + 0.0005, differs: at % 3 === 0 };
    });
    const calibration = calibrationAlong(tokens, 'tokens');
    for (const share of [0.001, 0.004, 0.01, 0.05, 0.083, 0.2, 0.5, 0.77, 0.91]) {
      const threshold = thresholdForTokenShare(calibration, share);
      const called = tokens.filter(({ score }) => score < threshold).length;
      expect(Math.abs(called - 1000 * share)).toBeLessThanOrEqual(1);
    }
  });

  it('scores every token of every answer as the router does', () => {
    const examples = labelledExamples({
      ...{ questionCount: 3, tokenCount: 5 },
      isLow: () => false,
    }).map(({ example }) => example);
    const features = { hidden: true, topLogprobs: 0, tokenEmbedding: false };
    const router = tinyRouter({ hiddenSize: HIDDEN_SIZE, features });
    const tokens = atOnce(scoredTokens(router, examples, FEATURES));
    expect(tokens).toHaveLength(15);
    const size = HIDDEN_SIZE + FEATURES.topLogprobs;
    for (const [at, { score, differs }] of tokens.entries()) {
      const position = at % 5;
      const all = examples[Math.floor(at / 5)]?.trace.features ?? new Uint16Array();
      const own = all.slice(position * size, position * size + HIDDEN_SIZE);
      expect(score).toBe(routerScore(router)(own));
      expect(differs).toBe(position % 2 === 0);
    }
  });
});
