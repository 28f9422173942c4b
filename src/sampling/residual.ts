/**
 * The residual distribution of speculative sampling (arXiv 2211.17192, eq. 3 of its appendix):
 * max(p - q, 0), unnormalised. Where p = q to the last digit it is empty; then p itself is drawn
 * from, which is right because the draft could only have been rejected by rounding.
 */
export function residualWeights(target: Float64Array, draft: Float64Array): Float64Array {
  const weights = new Float64Array(target.length);
  let sum = 0;
  for (let id = 0; id < target.length; id += 1) {
    const weight = Math.max(0, (target[id] as number) - (draft[id] as number));
    weights[id] = weight;
    sum += weight;
  }
  return sum > 0 ? weights : target;
}
