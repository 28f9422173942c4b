/**
 * The input of a router: the small model's last hidden state at the position and, as options, its
 * largest log-probabilities and the embedding of the token that it proposes (as in R2R, arXiv
 * 2505.21600). Features are always in half precision, so that labels, stored rows and live rows give
 * a router the same numbers.
 */
import { halfBits } from '../core/half.ts';
import { required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';

/** The features of the small model's state, which do not depend on its proposal. Traces keep them. */
export type StateFeatures = {
  readonly [Read in 'hidden' | 'topLogprobs']: NonNullable<RowReads[Read]>;
};

export interface RouterFeatures extends StateFeatures {
  /** The small model's own input embedding of the token that it proposes. */
  readonly tokenEmbedding: boolean;
}

/** A token's input embedding in the small model: [hidden size]. */
export type TokenEmbedding = (id: TokenId) => Float32Array;

/** Stands for a log-probability of minus infinity: that of a token that a grammar forbids. */
const LOGPROB_MIN = -100;

/** @param hiddenSize the hidden size of the small model */
export function stateFeatureSize(
  { hidden, topLogprobs }: StateFeatures,
  hiddenSize: number,
): number {
  return (hidden ? hiddenSize : 0) + topLogprobs;
}

/** @param hiddenSize the hidden size of the small model */
export function featureSize(features: RouterFeatures, hiddenSize: number): number {
  return stateFeatureSize(features, hiddenSize) + (features.tokenEmbedding ? hiddenSize : 0);
}

/**
 * Writes the features of a row's state as halves: [hidden state, log-probabilities]. They come first
 * among the features of a router. The row program must have computed them.
 */
export function writeStateFeatures(
  row: Pick<RowResult, 'hidden' | 'topLogprobs'>,
  { hidden, topLogprobs }: StateFeatures,
  target: Uint16Array,
): void {
  let at = 0;
  if (hidden) {
    for (const value of required(row.hidden, 'the hidden state was asked for')) {
      target[at++] = halfBits(value);
    }
  }
  if (topLogprobs === 0) return;
  const logprobs = required(row.topLogprobs, 'log-probabilities were asked for');
  for (let index = 0; index < topLogprobs; index += 1) {
    target[at++] = halfBits(Math.max(LOGPROB_MIN, logprobs[index] ?? LOGPROB_MIN));
  }
}

/**
 * Writes the features of the proposed token, which follow those of the state.
 * @param target [featureSize]
 */
export function writeTokenFeatures(
  token: TokenId,
  { tokenEmbedding }: RouterFeatures,
  embeddingOf: TokenEmbedding | undefined,
  target: Uint16Array,
): void {
  if (!tokenEmbedding) return;
  const embedding = required(embeddingOf, 'the router was given embeddings')(token);
  let at = target.length - embedding.length;
  for (const value of embedding) target[at++] = halfBits(value);
}
