/** Trained rewards of steps, as methods use them. */
import { definedFields } from '../core/defined-fields.ts';
import { PilotfishError } from '../core/errors.ts';
import { headReward, type RewardHead } from '../judging/reward-head.ts';
import type { StepReward } from '../judging/step-reward.ts';
import type { HeadNeed } from './method.ts';
import type { RsdOptions } from './rsd-options.ts';
import type { StrategyOptions } from './strategy-options.ts';

export interface TrainedReward {
  readonly reward: StepReward;
  readonly head: RewardHead;
  /** Steps end where those of the head's training ended, unless a user says otherwise. */
  readonly limits: RsdOptions;
}

/**
 * @param head the name of the strategy that the head was trained for
 * @throws PilotfishError `head-missing`
 */
export function trainedReward(
  strategy: string,
  head: string,
  options: StrategyOptions,
): TrainedReward {
  const found = rewardFor(strategy, head, options);
  const { separators } = found;
  return {
    reward: headReward(strategy, found),
    head: found,
    limits: { separators, ...definedFields(options.steps ?? {}) },
  };
}

/** The head of `rsd`, which knows the small model's own steps alone. */
export const OWN_STEPS_HEAD: HeadNeed = { kind: 'reward', name: 'rsd' };

/** @throws PilotfishError `head-missing` */
export function ownStepsReward(strategy: string, options: StrategyOptions): TrainedReward {
  return trainedReward(strategy, OWN_STEPS_HEAD.name, options);
}

/** @throws PilotfishError `head-missing` */
function rewardFor(name: string, head: string, { rewards }: StrategyOptions): RewardHead {
  const found = rewards?.get(head);
  if (found !== undefined) return found;
  throw new PilotfishError('head-missing', `${name} needs a reward trained for these models.`, {
    remedy: 'Train one with `pilotfish train reward`, or name its file with --head.',
    fields: { strategy: name },
  });
}
