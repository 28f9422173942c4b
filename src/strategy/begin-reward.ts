/** The one place where strategies begin a reward, and where its numbers come in. */
import { PilotfishError } from '../core/errors.ts';
import type { StepReward, StepScorer } from '../judging/step-reward.ts';
import type { StrategyContext } from './strategy.ts';

/** @throws as `StepReward.begin`; the scorer also PilotfishError `reward-invalid` */
export function beginReward(reward: StepReward, context: StrategyContext): StepScorer {
  const scorer = reward.begin(context);
  return { score: async (step) => checkedReward(reward, await scorer.score(step)) };
}

function checkedReward({ name }: StepReward, reward: number): number {
  if (reward >= 0 && reward <= 1) return reward;
  throw new PilotfishError(
    'reward-invalid',
    `${name} gave a step the reward ${reward}, which is not a number from 0 to 1.`,
    {
      remedy: 'The reward model may be damaged, or made for another purpose: try another one.',
      fields: { reward: name, value: String(reward) },
    },
  );
}
