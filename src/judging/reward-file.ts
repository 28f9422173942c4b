/** Reward heads as files (see head-file.ts). */
import { z } from 'zod';
import type { HeadFacts } from './head.ts';
import { decodeHead, encodeHead, type HeadFormat } from './head-file.ts';
import { rewardFeatureSize } from './reward-features.ts';
import { type RewardHead, type RewardHeadFacts, sizesOf } from './reward-head.ts';

type OwnFacts = Omit<RewardHeadFacts, keyof HeadFacts>;

const OWN_FACTS: z.ZodType<OwnFacts> = z.object({
  features: z.object({
    hidden: z.boolean(),
    large: z.enum(['none', 'logprob', 'state']),
    tokens: z.enum(['all', 'weakest', 'last']),
  }),
  largeHiddenSize: z.number().int().positive(),
  separators: z.array(z.string().min(1)).min(1),
});

export const REWARD_FORMAT: HeadFormat<OwnFacts> = {
  name: 'pilotfish-reward',
  noun: 'reward head',
  version: 1,
  firstVersionWithCuts: 1,
  facts: OWN_FACTS,
  inputSize: ({ features, ...facts }) => rewardFeatureSize(features, sizesOf(facts)),
};

/** @param head without its digest, which is the digest of the bytes */
export function encodeReward(head: Omit<RewardHead, 'digest'>): Uint8Array {
  return encodeHead(REWARD_FORMAT, head);
}

/** @throws PilotfishError `head-invalid`, naming the fault */
export function decodeReward(bytes: Uint8Array): RewardHead {
  return decodeHead(REWARD_FORMAT, bytes);
}
