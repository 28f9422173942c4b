/** Reads the small model's steps of a tree: the features of their tokens, for any reward. */
import { required } from '../../core/invariant.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import { type RewardFeatures, rewardReads, stepFeatures } from '../../judging/reward-features.ts';
import { soleSession } from '../../session/sole-session.ts';
import type { TrainingPair } from '../training-pair.ts';
import { type StepTree, stateOf } from './step-tree.ts';

/** The features that are read, for any reward. */
export const READ_REWARD_FEATURES: RewardFeatures = { hidden: true, largeLogprob: true };

/** [state] the features of its small step, or null. */
export type StepReadings = readonly (Uint16Array | null)[];

/** @throws PilotfishError as `Session.rows` */
export async function readSteps(
  tree: StepTree,
  prompt: readonly TokenId[],
  pair: TrainingPair,
  signal: AbortSignal = new AbortController().signal,
): Promise<StepReadings> {
  const answers = answersOf(tree);
  const readings: (Uint16Array | null)[] = [];
  const sampling = { vocabularySize: pair.vocabularySize, sampling: GREEDY, seed: 0 };
  const options = { promptLength: prompt.length, sampling, signal };
  await using small = soleSession(pair.models.small, options);
  await using large = soleSession(pair.models.large, options);
  for (const [at, { small: edge }] of tree.entries()) {
    if (edge === null) {
      readings.push(null);
      continue;
    }
    const text = [...prompt, ...required(answers[at], 'an answer'), ...edge.tokens];
    const asked = {
      ...{ text: text.slice(0, -1), outputCount: edge.tokens.length, scoredText: text },
      purpose: 'reward' as const,
    };
    const reads = { ...rewardReads(READ_REWARD_FEATURES), textLogprob: true };
    const ofSmall = await small.rows({ ...asked, reads });
    const ofLarge = await large.rows({ ...asked, reads: { textLogprob: true } });
    const rows = ofSmall.map((row) => ({ ...row, logprob: row.textLogprob }));
    const logprobs = ofLarge.map((row) => required(row.textLogprob, 'it was asked for'));
    readings.push(stepFeatures(rows, logprobs, READ_REWARD_FEATURES));
  }
  return readings;
}

/** The answer up to each state. */
export function answersOf(tree: StepTree): readonly (readonly TokenId[])[] {
  const answers: (readonly TokenId[])[] = [[]];
  for (const at of tree.keys()) {
    const answer = required(answers[at], 'steps lead to later states');
    const { small, large } = stateOf(tree, at);
    for (const edge of [small, large]) {
      if (edge !== null) answers[edge.to] ??= [...answer, ...edge.tokens];
    }
  }
  return answers;
}
