/**
 * The losses of networks: functions of the logit of a row. s = sigmoid(logit) is read as "the small
 * model is good enough here".
 */
import { invariant } from '../core/invariant.ts';

export interface RowLoss {
  /** [rowCount] the weight of each row, at least 0. Only their ratios matter. */
  readonly weights: Float32Array;
  /** The loss of a row, without its weight, in nats. It is at least 0 for cross-entropy. */
  loss(logit: number, row: number): number;
  /** The derivative of the loss with respect to the logit. */
  slope(logit: number, row: number): number;
}

/** − [t · log s + (1 − t) · log(1 − s)]. @param targets [rowCount] soft labels in [0, 1] */
export function crossEntropyLoss(targets: Float32Array, weights: Float32Array): RowLoss {
  invariant(targets.length === weights.length, 'each row has a target and a weight');
  return {
    weights,
    loss: (logit, row) => softplus(logit) - (targets[row] as number) * logit,
    slope: (logit, row) => sigmoid(logit) - (targets[row] as number),
  };
}

/**
 * − log [s · p_small + (1 − s) · p_large], the likelihood of the right token under the mixture
 * (Shen et al., 2024: "Learning to decode collaboratively with multiple language models").
 * @param logSmall [rowCount] log-probability of the token under the small model; not both -Infinity
 * @param logLarge [rowCount] the same under the large one
 */
export function mixtureLoss(
  logSmall: Float32Array,
  logLarge: Float32Array,
  weights: Float32Array,
): RowLoss {
  const fits = logSmall.length === weights.length && logLarge.length === weights.length;
  invariant(fits, 'each row has two log-probabilities and a weight');
  // The logarithms of both terms of the sum. Their difference decides which model wrote the token.
  const small = (logit: number, row: number): number =>
    (logSmall[row] as number) - softplus(-logit);
  const large = (logit: number, row: number): number => (logLarge[row] as number) - softplus(logit);
  return {
    weights,
    loss: (logit, row) => -logAddExp(small(logit, row), large(logit, row)),
    // s minus the share of the small model's term.
    slope: (logit, row) => sigmoid(logit) - sigmoid(small(logit, row) - large(logit, row)),
  };
}

export function sigmoid(logit: number): number {
  // The exponential of a negative number never overflows.
  const power = Math.exp(-Math.abs(logit));
  return logit >= 0 ? 1 / (1 + power) : power / (1 + power);
}

/** log(1 + e^x) */
export function softplus(x: number): number {
  return Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** log(e^a + e^b) */
function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b);
  const low = Math.min(a, b);
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}
