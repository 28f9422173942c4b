/**
 * The losses of networks: functions of the logit of a row. s = sigmoid(logit) is read as "the small
 * model is good enough here".
 */
import { invariant } from '../core/invariant.ts';
import type { Numbers } from './matrix.ts';
import { POOL_LOGS, type Pooling } from './pooling.ts';

export interface RowLoss {
  /** [rowCount] the weight of each row, at least 0. Only their ratios matter. */
  readonly weights: Float32Array;
  /** The loss of a row, without its weight, in nats. It is at least 0 for cross-entropy. */
  loss(logit: number, row: number): number;
  /** The derivative of the loss with respect to the logit. */
  slope(logit: number, row: number): number;
}

/** A loss over the rows of a batch. */
export interface BatchLoss {
  /** [rowCount] the weight of each row, at least 0. Only their ratios matter. */
  readonly weights: Float32Array;
  /**
   * @param logits [batch size] of the rows of `batch`, in its order
   * @param slopes [batch size] receives the derivatives of the weighted sum, times `scale`
   * @returns the weighted sum of the losses
   */
  measure(logits: Numbers, batch: Int32Array, slopes: Numbers, scale: number): number;
}

/** Each row has a loss of its own. */
export function rowwise(loss: RowLoss): BatchLoss {
  const { weights } = loss;
  return {
    weights,
    measure: (logits, batch, slopes, scale) => {
      let sum = 0;
      for (let index = 0; index < batch.length; index += 1) {
        const row = batch[index] as number;
        const [logit, weight] = [logits[index] as number, weights[row] as number];
        slopes[index] = weight === 0 ? 0 : loss.slope(logit, row) * weight * scale;
        // A row of weight 0 may have any loss.
        if (weight > 0) sum += weight * loss.loss(logit, row);
      }
      return sum;
    },
  };
}

/**
 * Cross-entropy of steps, counted once for each: − [t · log s + (1 − t) · log(1 − s)]. A step is good if
 * each of its tokens is, so its score s is the product of their sigmoids. Where few steps teach, a
 * product learns how long bad steps are; the least sigmoid (`minimum`) cannot.
 * @param steps [rowCount] the step of each row; a batch has all rows of its steps, in a stretch each
 * @param targets [step count] soft labels in [0, 1]
 * @param weights [rowCount] the weight of its step, shared among its rows
 */
export function stepLoss(
  steps: Int32Array,
  targets: Float32Array,
  weights: Float32Array,
  pooling: Pooling,
): BatchLoss {
  return {
    weights,
    measure: (logits, batch, slopes, scale) => {
      let sum = 0;
      for (let from = 0; from < batch.length; ) {
        const step = steps[batch[from] as number] as number;
        let [to, weight] = [from, 0];
        for (; to < batch.length && steps[batch[to] as number] === step; to += 1) {
          weight += weights[batch[to] as number] as number;
        }
        const target = targets[step] as number;
        const { log, counted } = pooledStep(logits, from, to, pooling);
        // 1 − s, without cancellation near 1.
        const rest = Math.max(-Math.expm1(log), REST_MIN);
        sum += weight * -(target * log + (1 - target) * Math.log(rest));
        const ofLog = -target + ((1 - target) * (1 - rest)) / rest;
        slopes.fill(0, from, to);
        for (let at = counted.from; at < counted.to; at += 1) {
          slopes[at] = weight * ofLog * sigmoid(-(logits[at] as number)) * scale;
        }
        from = to;
      }
      return sum;
    },
  };
}

/** The logarithm of a step's score, and the rows that it depends on. */
function pooledStep(
  logits: Numbers,
  from: number,
  to: number,
  pooling: Pooling,
): { readonly log: number; readonly counted: { readonly from: number; readonly to: number } } {
  const pool = POOL_LOGS[pooling];
  let [log, weakest] = [0, from];
  for (let at = from; at < to; at += 1) {
    const logit = logits[at] as number;
    log = pool(log, logSigmoid(logit));
    if (logit < (logits[weakest] as number)) weakest = at;
  }
  const counted = pooling === 'product' ? { from, to } : { from: weakest, to: weakest + 1 };
  return { log, counted };
}

/** Keeps the loss of a hopelessly wrong step finite. */
const REST_MIN = 1e-7;

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

/** log sigmoid(logit) */
export function logSigmoid(logit: number): number {
  return -softplus(-logit);
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
