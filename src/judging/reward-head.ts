/**
 * A trained reward: the token head. A small network gives every token of a step the probability that it
 * does no harm; the reward of the step is their product, Π σ(z_t), the probability that no token does.
 * The one wrong number of a step decides, wherever it stands. `tokens: 'weakest'` takes the least of them
 * instead; `tokens: 'last'` is the usual value head, on the state at the end of the step.
 */
import { fromHalf } from '../core/half.ts';
import type { RowResult } from '../core/row-program.ts';
import { logSigmoid } from '../network/loss.ts';
import { POOL_LOGS, type Pooling } from '../network/pooling.ts';
import { type HeadContent, type HeadFacts, networkDigest } from './head.ts';
import {
  type HiddenSizes,
  largeReads,
  type RewardFeatures,
  rewardFeatureSize,
  rewardReads,
  stepFeatures,
} from './reward-features.ts';
import { type RunningReward, readBy, type StepReward } from './step-reward.ts';

export interface RewardHeadFacts extends HeadFacts {
  readonly features: RewardFeatures;
  /** The hidden size of the large model. */
  readonly largeHiddenSize: number;
  /** The texts that ended the steps that it was trained on. Steps end there unless a user says otherwise. */
  readonly separators: readonly string[];
}

export interface RewardHead extends RewardHeadFacts, HeadContent {}

/** What scores depend on. */
export type RewardScoring = Pick<
  RewardHead,
  'network' | 'features' | 'hiddenSize' | 'largeHiddenSize'
>;

/** @throws as `Session.rows` */
export function headReward(name: string, head: RewardScoring): StepReward {
  const { features } = head;
  const reads = largeReads(features);
  return {
    name,
    draftReads: rewardReads(features),
    ...(features.tokens !== 'last' && reads === null ? { running: () => runningReward(head) } : {}),
    needs: reads === null ? {} : { large: { reads } },
    begin: ({ session }) => ({
      score: async (step) => {
        const large = reads === null ? null : await readBy(session('large'), step, reads);
        return rewardOfRows(stepFeatures({ small: step.rows, large }, features), head);
      },
    }),
  };
}

/** It never rises. A token is judged when the next row has its state. */
function runningReward(head: RewardScoring): RunningReward {
  const { features } = head;
  const pool = POOL_LOGS[poolingOf(features)];
  let log = 0;
  let last: RowResult | null = null;
  return (row) => {
    if (last !== null) {
      const halves = stepFeatures({ small: [last, row], large: null }, features);
      log = pool(log, logReward(halves, head));
    }
    last = row;
    return Math.exp(log);
  };
}

export function poolingOf({ tokens }: Pick<RewardFeatures, 'tokens'>): Pooling {
  return tokens === 'weakest' ? 'minimum' : 'product';
}

/**
 * The reward of a step with these rows.
 * @param halves [scored token count x feature size]
 */
export function rewardOfRows(halves: Uint16Array, head: RewardScoring): number {
  return Math.exp(logReward(halves, head));
}

function logReward(halves: Uint16Array, head: RewardScoring): number {
  const { network, features } = head;
  const size = rewardFeatureSize(features, sizesOf(head));
  const pool = POOL_LOGS[poolingOf(features)];
  let log = 0;
  for (let at = 0; at < halves.length; at += size) {
    log = pool(log, logSigmoid(network.logit(fromHalf(halves.subarray(at, at + size)))));
  }
  return log;
}

export function sizesOf({
  hiddenSize,
  largeHiddenSize,
}: Pick<RewardHead, 'hiddenSize' | 'largeHiddenSize'>): HiddenSizes {
  return { small: hiddenSize, large: largeHiddenSize };
}

/** The digest of the facts that scores depend on (see `networkDigest`). */
export function rewardDigest({
  network,
  features,
  separators,
}: Pick<RewardHead, 'network' | 'features' | 'separators'>): string {
  return networkDigest(network, [features, separators]);
}
