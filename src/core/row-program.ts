/**
 * The computation on the logits of an output row. A program is data, not a closure: it can cross
 * into a native kernel or another process, and it runs over memory that is only valid during the
 * call (the views die when the next forward starts).
 */

import type { NoisePurpose } from './noise.ts';
import type { RowReads } from './row-reads.ts';
import type { SamplingParams } from './sampling-params.ts';
import type { TokenId } from './token-id.ts';

/**
 * The tokens that a grammar allows, by the position of the token being decided: [ceil(vocabulary
 * size / 32)] words, with a set bit for every allowed token. Null means that no token can be
 * written there (after a forbidden draft token, or after the end): the result of the row is of no
 * use, and the row is not constrained.
 */
export type RowMasks = ReadonlyMap<number, Int32Array | null>;

/** The values that a program reads beside the token are its `RowReads`. */
export interface RowProgram extends RowReads {
  /** Only ids below this size exist. Padding beyond the common vocabulary of a pair is masked. */
  readonly vocabularySize: number;
  readonly sampling: SamplingParams;
  readonly seed: number;
  /**
   * The text of the rows, for penalties and `textLogprob`. Penalties (`penalises(sampling)`) need
   * it up to the row, `textLogprob` up to the token being decided. It may be longer.
   */
  readonly text?: readonly TokenId[];
  /** The tokens that `tokenLogprobs` is about. */
  readonly scoredTokens?: readonly TokenId[];
  /**
   * The masks of a grammar, with an entry for the position of every output row. Without them all
   * tokens are allowed.
   */
  readonly masks?: RowMasks;
  /** The purpose of the draw's noise; its position is that of the row. */
  readonly purpose: NoisePurpose;
}

/** The result of a program for one row. It owns its memory. */
export interface RowResult {
  /** argmax(log p + Gumbel noise) of the processed distribution; the plain argmax when greedy. */
  readonly tokenId: TokenId;
  readonly logprob: number | null;
  /** In nats, from 0 to ln(vocabulary size). */
  readonly entropy: number | null;
  /** Probability of the best token minus that of the second best, from 0 to 1. */
  readonly margin: number | null;
  /**
   * [topLogprobs] in nats, descending. If fewer tokens exist or are allowed, minus infinity, the
   * log-probability of an impossible token, fills up the rest: the length is always the requested
   * one.
   */
  readonly topLogprobs: Float32Array | null;
  /** In nats; minus infinity for ids that do not exist (`vocabularySize` and above). */
  readonly textLogprob: number | null;
  /** [scored tokens] in nats, in their order. */
  readonly tokenLogprobs: Float32Array | null;
  /** The largest logit less that of the token, in nats: at least 0. Comes with `logPartitions`. */
  readonly logitGap: number | null;
  /**
   * [PERTURBATION_COUNT] ln Σ e^((z - max z)/θ) at the temperatures θ of the perturbation, all at least
   * 0. With the gap g of a token, its probability at θ is e^(-g/θ) / Σ.
   */
  readonly logPartitions: Float64Array | null;
  /** [vocabularySize] probabilities after the sampling steps, summing to 1. */
  readonly distribution: Float64Array | null;
  /** [hiddenSize] the final hidden state of the row, after the last norm, if requested. */
  readonly hidden: Float32Array | null;
  /** Whether a limit of the model's own place ends the text here, and not the model. */
  readonly isCut?: true;
}

/** What a row has beside its token if nothing is read off it. */
export const NOTHING_READ: Omit<RowResult, 'tokenId'> = {
  logprob: null,
  entropy: null,
  margin: null,
  topLogprobs: null,
  textLogprob: null,
  tokenLogprobs: null,
  logitGap: null,
  logPartitions: null,
  distribution: null,
  hidden: null,
};
