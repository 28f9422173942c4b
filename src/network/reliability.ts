/** A reliability diagram: predicted probabilities beside observed shares. */
import { invariant } from '../core/invariant.ts';

export interface ReliabilityBin {
  /** The lower bound of the probabilities in this bin, inclusive. */
  readonly from: number;
  /** The upper bound, exclusive; the last bin includes 1. */
  readonly until: number;
  readonly rowCount: number;
  /** The weight of the rows. */
  readonly weight: number;
  /** Weighted means over the rows; null in a bin without weight. */
  readonly meanPredicted: number | null;
  readonly observedShare: number | null;
}

export interface Reliability {
  readonly bins: readonly ReliabilityBin[];
  /** Weighted mean over the bins of |observed − predicted|; null if the total weight is 0. */
  readonly expectedCalibrationError: number | null;
}

/**
 * Bins of equal width.
 * @param probabilities [rowCount] in [0, 1]
 * @param targets [rowCount] soft labels in [0, 1]
 */
export function reliability(
  probabilities: Float32Array,
  targets: Float32Array,
  weights: Float32Array,
  binCount: number,
): Reliability {
  const fits = targets.length === probabilities.length && weights.length === probabilities.length;
  invariant(fits, 'each row has a probability, a target and a weight');
  const sums = Array.from({ length: binCount }, () => ({
    rowCount: 0,
    weight: 0,
    predicted: 0,
    observed: 0,
  }));
  for (let row = 0; row < probabilities.length; row += 1) {
    const probability = probabilities[row] as number;
    const sum = sums[Math.min(Math.floor(probability * binCount), binCount - 1)];
    invariant(sum !== undefined, `${probability} is a probability`);
    const weight = weights[row] as number;
    sum.rowCount += 1;
    sum.weight += weight;
    sum.predicted += weight * probability;
    sum.observed += weight * (targets[row] as number);
  }
  const bins = sums.map(({ rowCount, weight, predicted, observed }, index) => ({
    from: index / binCount,
    until: (index + 1) / binCount,
    rowCount,
    weight,
    meanPredicted: weight > 0 ? predicted / weight : null,
    observedShare: weight > 0 ? observed / weight : null,
  }));
  const total = sums.reduce((sum, { weight }) => sum + weight, 0);
  const gaps = sums.reduce((sum, bin) => sum + Math.abs(bin.observed - bin.predicted), 0);
  return { bins, expectedCalibrationError: total > 0 ? gaps / total : null };
}
