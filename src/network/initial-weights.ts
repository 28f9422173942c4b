/**
 * The initial weights of a training: weights are uniform in ±√(6 / inputs) (He et al., 2015: outputs
 * of rectified layers keep their variance); biases are 0.
 */
import { noiseKey, noiseUniform } from '../core/noise.ts';
import type { Linear } from './linear.ts';
import type { Steps } from './steps.ts';

/** The number of weights between two turns of the event loop. */
const PART = 2 ** 16;

/** Sets linear layer `index`, drawing in the order of its places. */
export function* initialise(layer: Linear, seed: number, index: number): Steps<void> {
  const key = noiseKey(seed, index, 'weights');
  const bound = Math.sqrt(6 / layer.inputSize);
  const { values } = layer.weight;
  for (let at = 0; at < values.length; at += 1) {
    values[at] = (2 * noiseUniform(key, at) - 1) * bound;
    if (at % PART === PART - 1) yield;
  }
  layer.bias?.values.fill(0);
}
