/** Thresholds by the share of cases that they send to the large model. Pure. */

/** On which side of the threshold a score calls the large model. */
export type CallingSide = 'above' | 'below';

/** Digits of a threshold: users read and type it. */
const THRESHOLD_DIGITS = 4;

/**
 * The threshold at which about `share` of the scores call the large model: the middle between the
 * last score that does and the first that does not.
 * @param scores at least one
 */
export function thresholdForShare(
  scores: readonly number[],
  share: number,
  side: CallingSide,
): number {
  const sign = side === 'above' ? 1 : -1;
  // Those that call first come first.
  const order = scores.map((score) => -sign * score).sort((a, b) => a - b);
  const count = Math.round(share * order.length);
  const first = order[0] ?? 0;
  const last = order.at(-1) ?? 0;
  const inside = count === 0 ? first - 1 : (order[count - 1] ?? last);
  const outside = count === order.length ? last + 1 : (order[count] ?? last);
  const threshold = -sign * ((inside + outside) / 2);
  const rounded = Number(threshold.toPrecision(THRESHOLD_DIGITS));
  // Rounding must not move it past a score.
  return calledShare(scores, rounded, side) === calledShare(scores, threshold, side)
    ? rounded
    : threshold;
}

/** The share of the scores that call the large model. */
export function calledShare(
  scores: readonly number[],
  threshold: number,
  side: CallingSide,
): number {
  const calls = (score: number): boolean =>
    side === 'above' ? score > threshold : score < threshold;
  return scores.length === 0 ? 0 : scores.filter(calls).length / scores.length;
}
