/** The rewards that the experiment compares: each gives every small step of a tree a number. */

import { fromHalf } from '../../src/core/half.ts';
import { required } from '../../src/core/invariant.ts';
import type { TokenId } from '../../src/core/token-id.ts';
import { isArithmetic } from '../../src/judging/arithmetic-token.ts';
import {
  columnsAmong,
  type HiddenSizes,
  type RewardFeatures,
  rewardFeatureSize,
} from '../../src/judging/reward-features.ts';
import { fitReward } from '../../src/training/fit/fit-reward.ts';
import type { FitSettings } from '../../src/training/fit/fit-router.ts';
import { rewardsOf } from '../../src/training/rewards/rewards-of.ts';
import type { ReadFeatures } from '../../src/training/steps/read-steps.ts';
import { type StepExample, stepRows } from '../../src/training/steps/step-rows.ts';
import { stepLabel } from '../../src/training/steps/step-tree.ts';

/** The reward of the small step at a state of an example; null: there is none. */
export type Reward = (example: StepExample, state: number) => number | null;

export interface ComparedReward {
  readonly name: string;
  /** Whether the large model reads every draft. */
  readonly largeReads: boolean;
  readonly reward: Reward;
}

/** Rewards without training, from the columns of the readings. */
export function untrainedRewards(
  read: ReadFeatures,
  sizes: HiddenSizes,
  bytesOf: (id: TokenId) => Uint8Array,
): ComparedReward[] {
  const column = (features: Omit<RewardFeatures, 'tokens'>, last: number): number =>
    required(columnsAmong(features, read, sizes).at(last), 'a column');
  const own = column({ hidden: false, large: 'none' }, 0);
  const size = rewardFeatureSize(read, sizes);
  const by =
    (at: number, combine: (logprobs: readonly number[]) => number): Reward =>
    ({ readings }, state) => {
      const halves = readings[state] ?? null;
      if (halves === null) return null;
      const all = fromHalf(halves);
      const logprobs: number[] = [];
      for (let from = at; from < all.length; from += size) logprobs.push(all[from] as number);
      return Math.exp(combine(logprobs));
    };
  const margins = columnsAmong({ hidden: false, large: 'none' }, read, sizes)[2] as number;
  /** The least value of the step's digits and operators, as `class-margin` has it for tokens. */
  const ofClass =
    (at: number, toReward: (value: number) => number): Reward =>
    ({ tree, readings }, state) => {
      const [halves = null, tokens = []] = [readings[state], tree[state]?.small?.tokens];
      if (halves === null) return null;
      const all = fromHalf(halves);
      let least = 1;
      for (let token = 0; token * size < all.length; token += 1) {
        if (!isArithmetic(bytesOf(required(tokens[token], 'a token')))) continue;
        least = Math.min(least, toReward(all[token * size + at] as number));
      }
      return least;
    };
  const mean = (values: readonly number[]): number => sum(values) / values.length;
  const least = (values: readonly number[]): number => Math.min(...values);
  const ofSmall = [
    { name: 'small, mean log-probability', largeReads: false, reward: by(own, mean) },
    { name: 'small, least log-probability', largeReads: false, reward: by(own, least) },
    { name: 'small, least class margin', largeReads: false, reward: ofClass(margins, (m) => m) },
    {
      ...{ name: 'small, least class log-probability', largeReads: false },
      reward: ofClass(own, Math.exp),
    },
  ];
  if (read.large === 'none') return ofSmall;
  const theirs = column({ hidden: false, large: 'logprob' }, -1);
  return [
    ...ofSmall,
    {
      ...{ name: 'large, least class log-probability', largeReads: true },
      reward: ofClass(theirs, Math.exp),
    },
    { name: 'large, least log-probability', largeReads: true, reward: by(theirs, least) },
    { name: 'large, sum of log-probabilities', largeReads: true, reward: by(theirs, sum) },
  ];
}

/** The best label itself: the upper bound of every reward. */
export const ORACLE: ComparedReward = {
  name: 'oracle',
  largeReads: false,
  reward: ({ tree }, state) => stepLabel(tree, state),
};

export interface Variant {
  readonly name: string;
  readonly features: RewardFeatures;
  /** The examples with the labels to learn. */
  readonly examples: readonly StepExample[];
  readonly width?: number;
}

export interface TrainedVariant extends ComparedReward {
  /** On held-out training questions. */
  readonly auc: number | null;
}

/** Trains a head and makes it a reward. */
export async function trainVariant(
  { name, features, examples, width = 48 }: Variant,
  read: ReadFeatures,
  sizes: HiddenSizes,
  fit: Omit<FitSettings, 'shape'>,
): Promise<TrainedVariant> {
  const shape = { hidden: [{ size: width, activation: true }], dropout: 0.1 };
  const rows = stepRows(examples, features, read, sizes);
  const { network, auc } = await fitReward({ ...fit, shape, rows });
  const head = {
    ...{ network, features },
    ...{ hiddenSize: sizes.small, largeHiddenSize: sizes.large },
  };
  const known = new Map<StepExample, readonly (number | null)[]>();
  const reward: Reward = (example, state) => {
    const rewards = known.get(example) ?? rewardsOf(example.readings, read, head);
    known.set(example, rewards);
    return rewards[state] ?? null;
  };
  return { name, largeReads: features.large !== 'none', reward, auc };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
