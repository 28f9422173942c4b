/**
 * The linear law of U-HLM (arXiv 2412.12687): the uncertainty u of a draft tells how likely it is
 * rejected, E[β | u] ≈ a·u + b, where β = 1 - min(1, y_d / x_d) is the rejection probability of the draft
 * d under the small model's distribution x and the large model's y. From the law follow thresholds and
 * the risk of what is not transmitted. Pure.
 */

export interface RejectionLaw {
  /** a: how much likelier a rejection is at u = 1 than at u = 0. Above 0. */
  readonly slope: number;
  /** b: the rejection probability at u = 0, below 0 where the law leaves room without risk. */
  readonly intercept: number;
}

export interface LinearFit {
  readonly slope: number;
  readonly intercept: number;
  /** Pearson's r; null if one side does not vary. */
  readonly correlation: number | null;
}

/**
 * Plain least squares of y ≈ a·x + b. Sums are taken around the means, so that nothing cancels.
 * @param xs, ys [n] of equal length, at least one
 * @returns null if x does not vary: then no line is better than others
 */
export function leastSquares(xs: readonly number[], ys: readonly number[]): LinearFit | null {
  const [meanX, meanY] = [mean(xs), mean(ys)];
  let [xx, xy, yy] = [0, 0, 0];
  for (const [at, x] of xs.entries()) {
    const [dx, dy] = [x - meanX, (ys[at] as number) - meanY];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  if (!(xx > 0)) return null;
  const slope = xy / xx;
  // Rounding may pass 1 by a last bit.
  const correlation = yy > 0 ? Math.min(1, Math.max(-1, xy / Math.sqrt(xx * yy))) : null;
  return { slope, intercept: meanY - slope * meanX, correlation };
}

/** clip(a·u + b), from 0 to 1. */
export function expectedRejection({ slope, intercept }: RejectionLaw, uncertainty: number): number {
  return Math.min(1, Math.max(0, slope * uncertainty + intercept));
}

/** The uncertainty up to which at most `rejection` is expected: (β* - b) / a. */
export function thresholdAt({ slope, intercept }: RejectionLaw, rejection: number): number {
  return (rejection - intercept) / slope;
}

/**
 * The risk-averse threshold -b/a: no rejection is expected of drafts up to it. Null if b >= 0: then a
 * rejection is expected of every draft, and none may be skipped.
 */
export function riskAverseThreshold(law: RejectionLaw): number | null {
  return law.intercept < 0 ? thresholdAt(law, 0) : null;
}

/**
 * An upper bound of the mean rejection probability of the drafts that are not transmitted, if the law
 * holds: E[clip(a·u + b) | u <= threshold] <= clip(a·threshold + b).
 */
export function riskBound(law: RejectionLaw, threshold: number): number {
  return expectedRejection(law, threshold);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
