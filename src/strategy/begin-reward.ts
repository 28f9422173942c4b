/** The one place where strategies begin a reward. */
import type { StepReward, StepScorer } from '../judging/step-reward.ts';
import type { StrategyContext } from './strategy.ts';

export function beginReward(reward: StepReward, { session }: StrategyContext): StepScorer {
  return reward.begin(session);
}
