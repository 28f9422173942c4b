/**
 * Draws an index with probability proportional to its weight: argmax(log weight + Gumbel noise). Weights
 * are at least 0; without any above 0 the result is 0.
 */
import { gumbelFromBits, mix, type NoiseKey, noiseGumbel } from './noise.ts';

/** The definition, two logarithms per weight above 0: the oracle of `drawByWeight`. */
export function plainDrawByWeight(weights: Float64Array, key: NoiseKey): number {
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
  return best;
}

const WHOLE = 4294967296;
/** What bits of 0 lack to 1: (2^32 - 1/2) / 2^32. See `uniformFromBits`. */
const LACK_MAX: number = WHOLE - 0.5;

/**
 * The same index, but the logarithms are taken only where they can matter: an entry beats the value b
 * only if its uniform u is above exp(-weight / e^b), thus only if 1 - u < weight / e^b.
 */
export function drawByWeight(weights: Float64Array, key: NoiseKey): number {
  const { a, b } = key;
  let best = 0;
  let bestValue = Number.NEGATIVE_INFINITY;
  let unit = 0;
  for (let id = 0; id < weights.length; id += 1) {
    const weight = weights[id] as number;
    const bits = mix(id, a, b);
    // Nearly always true, also for weights of 0 (which never win, their logarithm being -Infinity): a
    // branch on those would often be mispredicted, and cost more than their noise.
    if (weight < (LACK_MAX - bits) * unit) continue;
    const value = Math.log(weight) + gumbelFromBits(bits);
    if (value > bestValue) {
      bestValue = value;
      best = id;
      unit = unitOf(value);
    }
  }
  return best;
}

/** So that rounding lets an entry through rather than not. */
const SLACK = 1 - 1e-9;
/** Between these, e^b is a number of full precision. */
const VALUE_MIN = -600;
const VALUE_MAX = 700;

/** e^b / 2^32: what an entry must weigh for each unit that its bits lack. 0 rules nothing out. */
function unitOf(value: number): number {
  if (value < VALUE_MIN || value > VALUE_MAX) return 0;
  return (Math.exp(value) / WHOLE) * SLACK;
}
