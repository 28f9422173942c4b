/**
 * The input of a token head: one row of features for each token of a step. The state *after* a token
 * knows the token, so the features of a token are the hidden state of the next row, with the
 * log-probability of the token, and the entropy and the margin of the row that decided it. The last
 * token of a step (its separator, or the end of the answer) has no next row and is not scored, unless it
 * is alone: then its own row stands for it. So scoring a draft takes no forward of its own.
 *
 * Features are in half precision, so that training and live rows give a head the same numbers.
 */
import { halfBits } from '../core/half.ts';
import { required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';

export interface RewardFeatures {
  /** The small model's hidden state. */
  readonly hidden: boolean;
  /** Whether the large model reads the draft, and its log-probability of each token is a feature. */
  readonly largeLogprob: boolean;
}

/** The values that features need of the small model's rows. */
export function rewardReads({ hidden }: Pick<RewardFeatures, 'hidden'>): RowReads {
  return { hidden, uncertainty: true, logprob: true };
}

/** Log-probability, entropy, margin. */
const UNCERTAINTY_SIZE = 3;

/** @param hiddenSize the hidden size of the small model */
export function rewardFeatureSize(features: RewardFeatures, hiddenSize: number): number {
  const { hidden, largeLogprob } = features;
  return (hidden ? hiddenSize : 0) + UNCERTAINTY_SIZE + Number(largeLogprob);
}

/** The number of tokens of a step that are scored. */
export function scoredTokenCount(stepLength: number): number {
  return Math.max(1, stepLength - 1);
}

type StepRow = Pick<RowResult, 'hidden' | 'logprob' | 'entropy' | 'margin'>;

/**
 * @param rows the small model's rows of the step
 * @param largeLogprobs of the step's tokens, if they are features
 * @returns [scored token count x feature size] halves
 */
export function stepFeatures(
  rows: readonly StepRow[],
  largeLogprobs: readonly number[] | null,
  features: RewardFeatures,
): Uint16Array {
  const hiddenSize = features.hidden ? required(rows[0]?.hidden, 'hidden states').length : 0;
  const count = scoredTokenCount(rows.length);
  const size = rewardFeatureSize(features, hiddenSize);
  const halves = new Uint16Array(count * size);
  for (let token = 0; token < count; token += 1) {
    const own = required(rows[token], 'a row of every token');
    const after = rows[token + 1] ?? own;
    let at = token * size;
    if (features.hidden) {
      for (const value of required(after.hidden, 'hidden states')) halves[at++] = halfBits(value);
    }
    const numbers = [own.logprob, own.entropy, own.margin];
    if (features.largeLogprob) numbers.push(largeLogprobs?.[token] ?? null);
    for (const value of numbers) {
      halves[at++] = halfBits(Math.max(LOGPROB_MIN, required(value, 'the row has it')));
    }
  }
  return halves;
}

/** Stands for a log-probability of minus infinity. */
const LOGPROB_MIN = -100;
