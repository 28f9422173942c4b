/** Reads the small model's steps of a tree: the features of their tokens, for any reward. */
import { required } from '../../core/invariant.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import {
  largeReads,
  type RewardFeatures,
  rewardReads,
  stepFeatures,
} from '../../judging/reward-features.ts';
import { readBy } from '../../judging/step-reward.ts';
import { soleSession } from '../../session/sole-session.ts';
import type { TrainingPair } from '../training-pair.ts';
import { type StepTree, stateOf } from './step-tree.ts';

/** The features that are read; each serves every reward that looks at less. */
export type ReadFeatures = Omit<RewardFeatures, 'tokens'>;

/** [state] the features of its small step, or null. */
export type StepReadings = readonly (Uint16Array | null)[];

/** @throws PilotfishError as `Session.rows` */
export async function readSteps(
  tree: StepTree,
  prompt: readonly TokenId[],
  read: ReadFeatures,
  pair: TrainingPair,
  signal: AbortSignal = new AbortController().signal,
): Promise<StepReadings> {
  const answers = answersOf(tree);
  const readings: (Uint16Array | null)[] = [];
  const sampling = { vocabularySize: pair.vocabularySize, sampling: GREEDY, seed: 0 };
  const options = { promptLength: prompt.length, sampling, signal };
  // Out of the pools, which may hold all other sequences.
  await using small = soleSession(pair.models.small, { ...options, pool: pair.pools.small });
  await using large = soleSession(pair.models.large, { ...options, pool: pair.pools.large });
  const ofLarge = largeReads(read);
  for (const [at, { small: edge }] of tree.entries()) {
    if (edge === null) {
      readings.push(null);
      continue;
    }
    const text = [...prompt, ...required(answers[at], 'an answer'), ...edge.tokens];
    const step = { text, rows: edge.tokens };
    const rows = await readBy(small, step, { ...rewardReads(read), textLogprob: true });
    readings.push(
      stepFeatures(
        {
          small: rows.map((row) => ({ ...row, logprob: row.textLogprob })),
          large: ofLarge === null ? null : await readBy(large, step, ofLarge),
        },
        { ...read, tokens: 'all' },
      ),
    );
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
