/** Notices about points of methods of steps that rejected every judged step, or none. */
import { required } from '../../core/invariant.ts';
import { RewardRange } from '../../judging/reward-range.ts';
import type { Question } from '../question.ts';
import type { AnswerStore } from './answer-store.ts';
import { type EvaluationPoint, namedPoint, strategyText } from './evaluation-point.ts';
import { judgesSteps, recordedSteps } from './recorded-steps.ts';

export function oneSidedRewards(
  points: readonly EvaluationPoint[],
  {
    store,
    chosen,
  }: { readonly store: Pick<AnswerStore, 'get'>; readonly chosen: readonly Question[] },
): readonly string[] {
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
