/** Standard normal noise as a function of seed and index (G. Box and M. Muller, 1958). */
import { noiseKey, noiseUniform } from '../../core/noise.ts';

export function normalNoise(seed: number, index: number): number {
  const key = noiseKey(seed, index, 'residual');
  const radius = Math.sqrt(-2 * Math.log(noiseUniform(key, 0)));
  return radius * Math.cos(2 * Math.PI * noiseUniform(key, 1));
}
