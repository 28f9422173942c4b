/** The area under the ROC curve: how well scores rank rows. */

/**
 * The probability that a positive row scores higher than a negative row; a tie counts half.
 * @param labels [rowCount] in [0, 1]; a soft label is that share of a positive row
 * @param weights [rowCount] the weight of each row
 * @returns null if there are no positive or no negative rows
 */
export function auc(
  scores: Float32Array,
  labels: Float32Array,
  weights: Float32Array,
): number | null {
  const order = Uint32Array.from(scores, (_, row) => row).sort(
    (a, b) => (scores[a] as number) - (scores[b] as number),
  );
  let negatives = 0;
  let positives = 0;
  /** The weight of the correctly ranked pairs. */
  let right = 0;
  for (let from = 0; from < order.length; ) {
    const score = scores[order[from] as number];
    let [tiedPositives, tiedNegatives] = [0, 0];
    for (; from < order.length && scores[order[from] as number] === score; from += 1) {
      const row = order[from] as number;
      const [label, weight] = [labels[row] as number, weights[row] as number];
      tiedPositives += weight * label;
      tiedNegatives += weight * (1 - label);
    }
    right += tiedPositives * (negatives + tiedNegatives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
  }
  return positives > 0 && negatives > 0 ? right / (positives * negatives) : null;
}
