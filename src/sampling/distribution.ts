/** Whole probability vectors, which only rejection sampling needs. */
import type { DistributionParams } from '../core/sampling-params.ts';
import { candidates, truncates } from './candidates.ts';
import { expOfNonPositive } from './exponential.ts';
import { argmax } from './row-statistics.ts';

/**
 * The distribution that a token is drawn from, after all sampling steps.
 * @returns [size] probabilities that sum to 1; greedy gives all mass to the argmax
 */
export function processedDistribution(
  logits: Float32Array,
  size: number,
  params: DistributionParams,
): Float64Array {
  const probabilities = new Float64Array(size);
  const best = argmax(logits, size);
  if (params.temperature === 0) {
    probabilities[best] = 1;
    return probabilities;
  }
  const max = logits[best] as number;
  const weigh = (id: number): number =>
    expOfNonPositive(((logits[id] as number) - max) / params.temperature);
  let sum = 0;
  if (truncates(params)) {
    for (const id of candidates(logits, size, params)) {
      probabilities[id] = weigh(id);
      sum += probabilities[id] as number;
    }
  } else {
    for (let id = 0; id < size; id += 1) {
      probabilities[id] = weigh(id);
      sum += probabilities[id] as number;
    }
  }
  for (let id = 0; id < size; id += 1) probabilities[id] = (probabilities[id] as number) / sum;
  return probabilities;
}
