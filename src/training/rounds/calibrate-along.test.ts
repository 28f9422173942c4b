import { describe, expect, it } from 'vitest';
import { thresholdForShare } from '../../judging/calibration.ts';
import { tinyRouter } from '../../judging/fakes/tiny-router.ts';
import { routerScore } from '../../judging/router.ts';
import { atOnce } from '../../network/steps.ts';
import { FEATURES, HIDDEN_SIZE, labelledExamples } from '../fakes/examples.ts';
import { calibrationAlong, tokenScores } from './calibrate-along.ts';

describe('calibration along traces', () => {
  it('goes by the scores alone, because the router did not run', () => {
    const scores = Array.from({ length: 1000 }, (_, at) => ((at * 619) % 1000) / 1000 + 0.0005);
    const calibration = calibrationAlong(scores, 'tokens');
    expect(calibration).toMatchObject({ on: 'tokens', points: [] });
    for (const share of [0.001, 0.004, 0.01, 0.05, 0.083, 0.2, 0.5, 0.77, 0.91]) {
      const threshold = thresholdForShare(calibration, share);
      const called = scores.filter((score) => score < threshold).length;
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
    const scores = atOnce(tokenScores(router, examples, FEATURES));
    expect(scores).toHaveLength(15);
    const size = HIDDEN_SIZE + FEATURES.topLogprobs;
    for (const [at, score] of scores.entries()) {
      const position = at % 5;
      const all = examples[Math.floor(at / 5)]?.trace.features ?? new Uint16Array();
      const own = all.slice(position * size, position * size + HIDDEN_SIZE);
      expect(score).toBe(routerScore(router)(own));
    }
  });
});
