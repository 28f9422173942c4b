/**
 * Statistics of a whole row of logits, computed in one or two passes. "Row" always means the first
 * `size` entries: the ids that exist.
 */
import { expOfNonPositive } from './exponential.ts';

/** The index of the largest entry; the lowest index wins a tie. */
export function argmax(logits: ArrayLike<number>, size: number): number {
  let best = 0;
  let bestValue = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < size; index += 1) {
    const value = logits[index] as number;
    if (value > bestValue) {
      bestValue = value;
      best = index;
    }
  }
  return best;
}

export interface RowStatistics {
  /** ln Σ e^logit. */
  readonly logSumExp: number;
  /** The entropy of the softmax, in nats. */
  readonly entropy: number;
  /** The probability of the best entry minus that of the second best. */
  readonly margin: number;
}

/** Statistics of the distribution softmax(logits), before any sampling step. */
export function rowStatistics(logits: Float32Array, size: number): RowStatistics {
  const best = argmax(logits, size);
  const max = logits[best] as number;
  let sum = 0;
  let weighted = 0;
  let second = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < size; index += 1) {
    const logit = logits[index] as number;
    const shifted = logit - max;
    const exponential = expOfNonPositive(shifted);
    sum += exponential;
    // 0 · -Infinity is NaN, so a masked entry must add nothing.
    if (exponential > 0) weighted += exponential * shifted;
    if (logit > second && index !== best) second = logit;
  }
  const logSum = Math.log(sum);
  return {
    logSumExp: max + logSum,
    // H = ln Z - Σ p · (logit - max); rounding must not make it negative.
    entropy: Math.max(0, logSum - weighted / sum),
    margin: (1 - Math.exp(second - max)) / sum,
  };
}
