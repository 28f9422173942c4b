/** Thresholds by the share of cases that they defer to the large model. Pure. */

import { type DeferralSide, defers } from '../../judging/gate.ts';

/** The fewest and most significant digits of a threshold: users read and type it. */
const THRESHOLD_DIGITS = 4;
const THRESHOLD_DIGITS_MAX = 17;

/** Scores with their weights. */
export interface WeightedScores {
  readonly scores: readonly number[];
  /** One weight per score. */
  readonly weights: readonly number[];
}

/**
 * The threshold at which about `share` of the scores, by weight, defer to the large model: the
 * midpoint between the last score that defers and the first that does not.
 * @param weighted at least one score
 */
export function thresholdForShare(
  weighted: WeightedScores,
  share: number,
  side: DeferralSide,
): number {
  const sign = side === 'above' ? 1 : -1;
  // Scores that defer first come first.
  const order = weighted.scores
    .map((score, index) => ({ key: -sign * score, weight: weighted.weights[index] ?? 0 }))
    .sort((a, b) => a.key - b.key);
  const count = countOfShare(
    order.map(({ weight }) => weight),
    share,
  );
  const keyAt = (index: number): number => order[index]?.key ?? 0;
  const inside = count === 0 ? keyAt(0) - 1 : keyAt(count - 1);
  const outside = count === order.length ? keyAt(count - 1) + 1 : keyAt(count);
  const threshold = -sign * ((inside + outside) / 2);
  return rounded(threshold, weighted, side);
}

/** Rounds to the fewest digits that do not move the threshold past a score. */
function rounded(threshold: number, weighted: WeightedScores, side: DeferralSide): number {
  const deferred = deferredShare(weighted, threshold, side);
  for (let digits = THRESHOLD_DIGITS; digits < THRESHOLD_DIGITS_MAX; digits += 1) {
    const shorter = Number(threshold.toPrecision(digits));
    if (deferredShare(weighted, shorter, side) === deferred) return shorter;
  }
  return threshold;
}

/** The count of leading weights whose sum is nearest to this share of the total. */
function countOfShare(weights: readonly number[], share: number): number {
  const wanted = share * sum(weights);
  let [count, before] = [0, 0];
  for (const weight of weights) {
    // A weight counts if at least half of it is within the share.
    if (before + weight / 2 > wanted) break;
    before += weight;
    count += 1;
  }
  return count;
}

/** The share of the scores, by weight, that defer to the large model. */
export function deferredShare(
  { scores, weights }: WeightedScores,
  threshold: number,
  side: DeferralSide,
): number {
  const deferred = sum(
    weights.filter((_, index) => defers(side, scores[index] ?? Number.NaN, threshold)),
  );
  return scores.length === 0 ? 0 : deferred / sum(weights);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
