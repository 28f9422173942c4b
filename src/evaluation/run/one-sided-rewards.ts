/** Notices about points of methods of steps that rejected every judged step, or none. */
import { required } from '../../core/invariant.ts';
import { RewardRange } from '../../judging/reward-range.ts';
import { isThreshold } from '../../strategy/rsd-options.ts';
import type { Question } from '../question.ts';
import type { AnswerStore } from './answer-store.ts';
import type { EvaluationPair } from './evaluation-pair.ts';
import { type EvaluationPoint, namedPoint, strategyText } from './evaluation-point.ts';
import { judgesSteps, recordedSteps } from './recorded-steps.ts';

interface Answered {
  readonly store: Pick<AnswerStore, 'get'>;
  readonly chosen: readonly Question[];
  readonly pair: Pick<EvaluationPair, 'strategyOptions'>;
}

/** None where a weighting other than the threshold decides. */
export function oneSidedRewards(
  points: readonly EvaluationPoint[],
  { store, chosen, pair }: Answered,
): readonly string[] {
  if (!isThreshold(pair.strategyOptions?.steps ?? {})) return [];
  return points.filter(judgesSteps).flatMap(({ method, threshold, seed }) => {
    const point = { method, threshold, seed };
    const rewards = new RewardRange();
    for (const question of chosen) {
      const record = required(store.get(point, question), 'the question was answered');
      for (const { score } of recordedSteps(record)) if (score !== null) rewards.add(score);
    }
    const advice = rewards.advice(required(threshold, 'a method of steps has a threshold'));
    return advice === null ? [] : [`${strategyText(namedPoint(point))}: ${advice}.`];
  });
}
