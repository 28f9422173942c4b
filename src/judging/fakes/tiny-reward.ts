/** Small reward heads with weights from a formula (see tiny-router.ts). */
import { rewardFeatureSize } from '../reward-features.ts';
import { decodeReward, encodeReward } from '../reward-file.ts';
import type { RewardHead } from '../reward-head.ts';
import { LARGE_DIGEST, SMALL_DIGEST, tinyNetwork } from './tiny-router.ts';

/** A reward as decoded from its file, for models with these hidden sizes (default 4 and 4). */
export function tinyReward(changes: Partial<Omit<RewardHead, 'digest'>> = {}): RewardHead {
  const { hiddenSize = 4, largeHiddenSize = 4 } = changes;
  const { features = { hidden: true, large: 'none', tokens: 'all' } } = changes;
  const sizes = { small: hiddenSize, large: largeHiddenSize };
  const head = {
    strategy: 'rsd',
    pair: {
      small: { name: 'small', digest: SMALL_DIGEST },
      large: { name: 'large', digest: LARGE_DIGEST },
    },
    separators: ['\n\n'],
    defaultThreshold: 0.625,
    calibration: null,
    reliability: [{ predicted: 0.25, observed: 0.5, count: 4 }],
    training: { questions: 'letters/train', questionCount: 3 },
    calibratedOn: new Set<number>(),
    trainedOn: new Set([7, 2 ** 24, 2 ** 48 - 1]),
    network: tinyNetwork(rewardFeatureSize(features, sizes)),
    ...changes,
    ...{ hiddenSize, largeHiddenSize, features },
  };
  return decodeReward(encodeReward(head));
}

/** One reward for each strategy. */
export function tinyRewards(
  strategies: readonly string[],
  changes: Partial<Omit<RewardHead, 'digest'>> = {},
): ReadonlyMap<string, RewardHead> {
  return new Map(strategies.map((strategy) => [strategy, tinyReward({ ...changes, strategy })]));
}
