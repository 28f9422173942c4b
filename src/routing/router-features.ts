/**
 * What a router looks at: the small model's last hidden state at the position, and, as an option, its
 * largest log-probabilities (as R2R does, arXiv 2505.21600). In half precision wherever they come
 * from, so that labels, remembered rows and live rows give a router the same numbers.
 */
import { halfBits } from '../core/half.ts';
import { present } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';

export interface RouterFeatures {
  readonly hidden: boolean;
  /** How many of the largest natural log-probabilities, descending; 0: none. */
  readonly topLogprobs: number;
}

/** Of a log-probability that is minus infinity: a token that a grammar forbids. */
const LOGPROB_MIN = -100;

/** @param hiddenSize of the small model */
export function featureSize({ hidden, topLogprobs }: RouterFeatures, hiddenSize: number): number {
  return (hidden ? hiddenSize : 0) + topLogprobs;
}

/**
 * Writes a row's features as halves: [hidden state, log-probabilities], [featureSize] in all.
 * The row program must have computed them.
 */
export function writeFeatures(
  row: Pick<RowResult, 'hidden' | 'topLogprobs'>,
  { hidden, topLogprobs }: RouterFeatures,
  target: Uint16Array,
): void {
  let at = 0;
  if (hidden) {
    for (const value of present(row.hidden, 'the hidden state was asked for')) {
      target[at++] = halfBits(value);
    }
  }
  if (topLogprobs === 0) return;
  const logprobs = present(row.topLogprobs, 'log-probabilities were asked for');
  for (let index = 0; index < topLogprobs; index += 1) {
    target[at++] = halfBits(Math.max(LOGPROB_MIN, logprobs[index] ?? LOGPROB_MIN));
  }
}
