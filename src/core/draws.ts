/**
 * The random decisions of verifiers and gates, as a role: the engine draws them from seeded noise,
 * tests enumerate every outcome and multiply the probabilities.
 */
import { type NoisePurpose, noiseGumbel, noiseKey, noiseUniform } from './noise.ts';
import { type TokenId, tokenId } from './token-id.ts';

export interface Draws {
  /** A uniform number in (0, 1) that decides `position`. */
  uniform(position: number, purpose: NoisePurpose): number;
  /** True with the given probability. */
  accepts(probability: number, position: number): boolean;
  /** An index with probability proportional to its weight; weights are >= 0 and not all 0. */
  categorical(weights: Float64Array, position: number, purpose: NoisePurpose): TokenId;
}

export function seededDraws(seed: number): Draws {
  const uniform = (position: number, purpose: NoisePurpose): number =>
    noiseUniform(noiseKey(seed, position, purpose));
  return {
    uniform,
    accepts: (probability, position) => uniform(position, 'accept') < probability,
    categorical(weights, position, purpose) {
      const key = noiseKey(seed, position, purpose);
      let best = 0;
      let bestValue = Number.NEGATIVE_INFINITY;
      for (let id = 0; id < weights.length; id += 1) {
        const weight = weights[id] as number;
        if (weight <= 0) continue;
        const value = Math.log(weight) + noiseGumbel(key, id);
        if (value > bestValue) {
          bestValue = value;
          best = id;
        }
      }
      return tokenId(best);
    },
  };
}
