/**
 * How many of a draft's largest probabilities CU-HLM sends (arXiv 2505.11788). With the k largest kept
 * and the rest of the mass spread evenly (eq. 16: x̂), the error of the draft's rejection probability is
 * bounded in total variation by
 *
 *     U_TV(k) = Σ over the other tokens |x_i - x̂_i| / [(1 - x_d) l(-1) + x_d l(-β_d)]
 *
 * with l(v) = ln(1 + e^v) and β_d the expected rejection probability of the draft d. Online (eq. 26) k
 * is the smallest with U_TV(k) <= θ for this token; offline (eq. 24) the smallest for which the mean of
 * U_TV(k) over many tokens is. The bound ignores the rounding to levels, as the paper does. (Equations
 * as in re-implementations of the paper.)
 */

import { largestProbabilities } from './largest-probabilities.ts';

/** l(v) with the paper's slope of 1. */
function softplus(v: number): number {
  return Math.log1p(Math.exp(v));
}

/**
 * U_TV for every number of kept tokens; it never rises.
 * @param distribution [V] probabilities (not logits) that sum to 1
 * @param draft the id d that was drawn
 * @param expectedRejection β_d, from 0 to 1
 * @returns [V + 1] U_TV by k
 */
export function truncationBounds(
  distribution: Float64Array,
  draft: number,
  expectedRejection: number,
): Float64Array {
  const scale = truncationScale(distribution[draft] as number, expectedRejection);
  return truncationErrors(distribution).map((error) => error / scale);
}

/** The denominator of U_TV. @param drafted x_d, the probability of the draft */
export function truncationScale(drafted: number, expectedRejection: number): number {
  return (1 - drafted) * softplus(-1) + drafted * softplus(-expectedRejection);
}

/**
 * The numerator of U_TV for every number of kept tokens.
 * @param distribution [V] probabilities (not logits) that sum to 1
 * @returns [V + 1] Σ over the other tokens |x_i - x̂_i| by k
 */
export function truncationErrors(distribution: Float64Array): Float64Array {
  const size = distribution.length;
  const rising = distribution.slice().sort();
  // sums[n]: the mass of the n smallest. Summing from the small end keeps the tail exact.
  const sums = new Float64Array(size + 1);
  for (let n = 0; n < size; n += 1) sums[n + 1] = (sums[n] as number) + (rising[n] as number);
  const errors = new Float64Array(size + 1);
  // The mean of the n smallest falls with n, and with it the count of those below it.
  let below = size;
  for (let n = size; n > 0; n -= 1) {
    const mean = (sums[n] as number) / n;
    while (below > 0 && (rising[below - 1] as number) >= mean) below -= 1;
    // Deviations below and above a mean are equal, so twice those below are all.
    errors[size - n] = Math.max(0, 2 * (below * mean - (sums[below] as number)));
  }
  return errors;
}

/**
 * The same for up to `countMax` kept tokens, several times as fast in a large vocabulary: only tokens
 * above the mean of the rest are sorted, which are few where the tail is long.
 * @returns [min(countMax, V) + 1] the first values of `truncationErrors`, up to rounding
 */
export function firstTruncationErrors(distribution: Float64Array, countMax: number): Float64Array {
  const size = distribution.length;
  const largest = largestProbabilities(distribution, Math.min(countMax, size), -1);
  const kept = largest.map((id) => distribution[id] as number);
  const count = kept.length;
  const least = kept[count - 1] as number;
  // From the small end, which keeps the tail exact: rest[k] is the mass of all but the k largest.
  const rest = new Float64Array(count + 1);
  let tieCount = kept.filter((probability) => probability === least).length;
  for (let id = 0; id < size; id += 1) {
    const probability = distribution[id] as number;
    if (probability < least) rest[count] = (rest[count] as number) + probability;
    else if (probability === least && tieCount > 0) tieCount -= 1;
    else if (probability === least) rest[count] = (rest[count] as number) + probability;
  }
  for (let k = count; k > 0; k -= 1) rest[k - 1] = (rest[k] as number) + (kept[k - 1] as number);
  const meanOf = (k: number): number => (k === size ? 0 : (rest[k] as number) / (size - k));
  const above = sortedAbove(distribution, meanOf(count));
  const sums = new Float64Array(above.length + 1);
  for (let n = 0; n < above.length; n += 1)
    sums[n + 1] = (sums[n] as number) + (above[n] as number);
  // The mean falls with k, so the number of tokens above it rises.
  let aboveCount = 0;
  return Float64Array.from({ length: count + 1 }, (_, k) => {
    const mean = meanOf(k);
    while (aboveCount < above.length && (above[aboveCount] as number) > mean) aboveCount += 1;
    if (aboveCount <= k) return 0;
    const mass = (sums[aboveCount] as number) - (sums[k] as number);
    // Deviations below and above a mean are equal, so twice those above are all.
    return Math.max(0, 2 * (mass - (aboveCount - k) * mean));
  });
}

/** [n] the probabilities above a bound, largest first. */
function sortedAbove(distribution: Float64Array, bound: number): Float64Array {
  const above = new Float64Array(distribution.length);
  let count = 0;
  for (let id = 0; id < distribution.length; id += 1) {
    const probability = distribution[id] as number;
    if (probability > bound) above[count++] = probability;
  }
  return above.subarray(0, count).sort().reverse();
}

/**
 * The smallest k, at least 1, with U_TV(k) <= θ: the online rule on the bounds of one token, the
 * offline rule on the mean of the bounds of many.
 * @param bounds [V + 1] U_TV by k
 */
export function smallestTokenCountWithin(bounds: Float64Array, threshold: number): number {
  let count = 1;
  while (count < bounds.length - 1 && (bounds[count] as number) > threshold) count += 1;
  return count;
}

export interface OnlineTruncation {
  /** β_d, the rejection probability that is expected of the draft, from 0 to 1. */
  readonly expectedRejection: number;
  /** θ, from 0 up; a higher one never keeps more tokens. */
  readonly threshold: number;
}

/** Most drafts need fewer tokens than this. */
const FEW_TOKENS = 64;

/** k* of CU-HLM for one token (eq. 26). @param distribution [V] probabilities that sum to 1 */
export function smallestTokenCount(
  distribution: Float64Array,
  draft: number,
  { expectedRejection, threshold }: OnlineTruncation,
): number {
  const scale = truncationScale(distribution[draft] as number, expectedRejection);
  const few = firstTruncationErrors(distribution, FEW_TOKENS).map((error) => error / scale);
  const count = smallestTokenCountWithin(few, threshold);
  if ((few[count] as number) <= threshold) return count;
  const bounds = truncationBounds(distribution, draft, expectedRejection);
  return smallestTokenCountWithin(bounds, threshold);
}
