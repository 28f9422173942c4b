/**
 * What to compute from the logits of an output row. A program is data, not a closure: it can cross
 * into a native kernel or another process, and it runs over memory that is only valid during the
 * call (the views die when the next forward starts).
 */

import type { NoisePurpose } from './noise.ts';
import type { SamplingParams } from './sampling-params.ts';
import type { TokenId } from './token-id.ts';

/**
 * What a grammar allows, by the position of the token being decided: [ceil(vocabulary size / 32)]
 * words, a bit set for every allowed token. Null: nothing can be written there (behind a draft that
 * the grammar forbids, behind the end), so the row's result is of no use and is not constrained.
 */
export type RowMasks = ReadonlyMap<number, Int32Array | null>;

export interface RowProgram {
  /** Only ids below this exist: padding beyond the common vocabulary of a pair is masked. */
  readonly vocabularySize: number;
  readonly sampling: SamplingParams;
  readonly seed: number;
  /** The text that the rows belong to, for penalties: needed where `penalises(sampling)`. */
  readonly text?: readonly TokenId[];
  /** Of the tokens that a grammar allows; without it all are. It has every output row's position. */
  readonly masks?: RowMasks;
  /** Which noise the draw uses; the position is the row's own. */
  readonly purpose: NoisePurpose;
  /** Also the natural log-probability of the choice before the sampling steps and the mask. */
  readonly logprob?: boolean;
  /**
   * Also the entropy (nats) and the top-2 margin of the distribution before the sampling steps, of
   * the allowed tokens where there is a mask.
   */
  readonly uncertainty?: boolean;
  /** Also the whole distribution after the sampling steps. */
  readonly distribution?: boolean;
}

/** What a program computed for one row. Owns its memory. */
export interface RowResult {
  /** argmax(log p + Gumbel noise) of the processed distribution; the plain argmax when greedy. */
  readonly choice: TokenId;
  readonly logprob: number | null;
  /** In nats, from 0 to ln(vocabulary size). */
  readonly entropy: number | null;
  /** Probability of the best token minus that of the second best, from 0 to 1. */
  readonly margin: number | null;
  /** [vocabularySize] probabilities after the sampling steps, summing to 1. */
  readonly distribution: Float64Array | null;
  /** [hiddenSize] final hidden state (after the last norm) of the row, if asked for. */
  readonly hidden: Float32Array | null;
}
