/** Trained rewards of steps, as methods use them. */
import { definedFields } from '../core/defined-fields.ts';
import { headReward, type RewardHead } from '../judging/reward-head.ts';
import type { StepReward } from '../judging/step-reward.ts';
import type { HeadNeed } from './method.ts';
import { missingHead } from './missing-head.ts';
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
  const found = options.rewards?.get(head);
  if (found === undefined) {
    throw missingHead({ strategy, kind: 'reward', trainedBy: 'pilotfish train reward' });
  }
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
