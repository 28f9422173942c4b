/**
 * Temperature perturbation, the uncertainty of U-HLM (arXiv 2412.12687): how likely a token is to be
 * drawn again at other temperatures θ ~ U(0, 2]. For that, a row needs ln Σ e^((z - max z)/θ) at each
 * temperature. Pure.
 */
import { PERTURBED_TEMPERATURES } from '../core/perturbed-temperatures.ts';
import { argmax } from './row-statistics.ts';

/** @returns [PERTURBATION_COUNT] natural logarithms, by a pass over the first `size` logits for each */
export function logPartitions(logits: Float32Array, size: number): Float64Array {
  const max = logits[argmax(logits, size)] as number;
  return PERTURBED_TEMPERATURES.map((temperature) => {
    let sum = 0;
    for (let id = 0; id < size; id += 1)
      sum += Math.exp(((logits[id] as number) - max) / temperature);
    return Math.log(sum);
  });
}
