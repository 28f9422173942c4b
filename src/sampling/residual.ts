/**
 * The residual distribution of speculative sampling (arXiv 2211.17192, eq. 3 of its appendix): max(p
 * - q, 0), unnormalised. If p = q to the last digit, it is empty, and p itself is drawn from. That is
 * right, because only rounding could have rejected the draft.
 */

/**
 * Sized for the largest vocabulary so far: allocating fresh memory takes longer than computing the
 * weights.
 */
let scratch = new Float64Array(0);

/** @returns weights that are valid until the next call, or the target itself */
export function residualWeights(target: Float64Array, draft: Float64Array): Float64Array {
  const size = target.length;
  if (scratch.length < size) scratch = new Float64Array(size);
  const weights = scratch.subarray(0, size);
  let sum = 0;
  for (let id = 0; id < size; id += 1) {
    const excess = (target[id] as number) - (draft[id] as number);
    // Exactly max(excess, 0), without a branch: the sign of the excess is as random as a coin.
    const weight = 0.5 * (excess + Math.abs(excess));
    weights[id] = weight;
    sum += weight;
  }
  return sum > 0 ? weights : target;
}
