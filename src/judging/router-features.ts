/**
 * What a router looks at: the small model's last hidden state at the position, and, as options, its
 * largest log-probabilities and the embedding of the token that it proposes (as R2R does, arXiv
 * 2505.21600). In half precision wherever they come from, so that labels, remembered rows and live
 * rows give a router the same numbers.
 */
import { halfBits } from '../core/half.ts';
import { required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';

/** Features of the small model's state, whatever it proposes: those that traces keep. */
export type StateFeatures = {
  readonly [Read in 'hidden' | 'topLogprobs']: NonNullable<RowReads[Read]>;
};

export interface RouterFeatures extends StateFeatures {
  /** The small model's own input embedding of the token that it proposes. */
  readonly tokenEmbedding: boolean;
}

/** A token's input embedding in the small model: [hidden size]. */
export type TokenEmbedding = (id: TokenId) => Float32Array;

/** Of a log-probability that is minus infinity: a token that a grammar forbids. */
const LOGPROB_MIN = -100;

/** @param hiddenSize of the small model */
export function stateFeatureSize(
  { hidden, topLogprobs }: StateFeatures,
  hiddenSize: number,
): number {
  return (hidden ? hiddenSize : 0) + topLogprobs;
}

/** @param hiddenSize of the small model */
export function featureSize(features: RouterFeatures, hiddenSize: number): number {
  return stateFeatureSize(features, hiddenSize) + (features.tokenEmbedding ? hiddenSize : 0);
}

/**
 * Writes a row's features as halves: [hidden state, log-probabilities], the first of a router's.
 * The row program must have computed them.
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
 * Writes what a router sees of the proposed token, behind what it sees of the state: the last of its
 * features.
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
