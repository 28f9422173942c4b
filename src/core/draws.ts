/**
 * The random decisions of verifiers and gates, as a role. The engine draws them from seeded noise.
 * Tests enumerate every outcome and multiply the probabilities.
 */
import { drawByWeight } from './draw-by-weight.ts';
import { type NoisePurpose, noiseKey, noiseUniform } from './noise.ts';
import { type TokenId, tokenId } from './token-id.ts';

export interface Draws {
  /** A uniform number in (0, 1) that decides `position`. */
  uniform(position: number, purpose: NoisePurpose): number;
  /** True with the given probability. @param purpose default `accept` */
  accepts(probability: number, position: number, purpose?: NoisePurpose): boolean;
  /** An index with probability proportional to its weight; weights are >= 0 and not all 0. */
  categorical(weights: Float64Array, position: number, purpose: NoisePurpose): TokenId;
}

export function seededDraws(seed: number): Draws {
  const uniform = (position: number, purpose: NoisePurpose): number =>
    noiseUniform(noiseKey(seed, position, purpose));
  return {
    uniform,
    accepts: (probability, position, purpose = 'accept') =>
      uniform(position, purpose) < probability,
    categorical: (weights, position, purpose) =>
      tokenId(drawByWeight(weights, noiseKey(seed, position, purpose))),
  };
}
