/**
 * What to compute from the logits of an output row. A program is data, not a closure: it can cross
 * into a native kernel or another process, and it runs over memory that is only valid during the
 * call (the views die when the next forward starts).
 */

import type { NoisePurpose } from './noise.ts';
import type { RowReads } from './row-reads.ts';
import type { SamplingParams } from './sampling-params.ts';
import type { TokenId } from './token-id.ts';

/**
 * What a grammar allows, by the position of the token being decided: [ceil(vocabulary size / 32)]
 * words, a bit set for every allowed token. Null: nothing can be written there (behind a draft that
 * the grammar forbids, behind the end), so the row's result is of no use and is not constrained.
 */
export type RowMasks = ReadonlyMap<number, Int32Array | null>;

/** The values that a program reads beside the token are its `RowReads`. */
export interface RowProgram extends RowReads {
  /** Only ids below this exist: padding beyond the common vocabulary of a pair is masked. */
  readonly vocabularySize: number;
  readonly sampling: SamplingParams;
  readonly seed: number;
  /**
   * The text that the rows belong to, for penalties and `textLogprob`: needed where
   * `penalises(sampling)` up to the row, and for `textLogprob` up to the token being decided. It may
   * be longer.
   */
  readonly text?: readonly TokenId[];
  /** Of the tokens that a grammar allows; without it all are. It has every output row's position. */
  readonly masks?: RowMasks;
  /** Which noise the draw uses; the position is the row's own. */
  readonly purpose: NoisePurpose;
}

/** What a program computed for one row. Owns its memory. */
export interface RowResult {
  /** argmax(log p + Gumbel noise) of the processed distribution; the plain argmax when greedy. */
  readonly tokenId: TokenId;
  readonly logprob: number | null;
  /** In nats, from 0 to ln(vocabulary size). */
  readonly entropy: number | null;
  /** Probability of the best token minus that of the second best, from 0 to 1. */
  readonly margin: number | null;
  /**
   * [topLogprobs] in nats, descending. Where fewer tokens exist or are allowed, the rest is minus
   * infinity, the log-probability of what cannot come: the length is always what was asked for.
   */
  readonly topLogprobs: Float32Array | null;
  /** In nats; minus infinity for ids that do not exist (`vocabularySize` and above). */
  readonly textLogprob: number | null;
  /** [vocabularySize] probabilities after the sampling steps, summing to 1. */
  readonly distribution: Float64Array | null;
  /** [hiddenSize] final hidden state (after the last norm) of the row, if asked for. */
  readonly hidden: Float32Array | null;
}
