/**
 * Draws an index with probability proportional to its weight: argmax(log weight + Gumbel noise).
 * Weights are at least 0. If no weight is above 0, the result is 0.
 */
import { gumbelFromBits, mix, type NoiseKey, noiseGumbel } from './noise.ts';

/** The definition, with two logarithms for each weight above 0. It is the oracle of `drawByWeight`. */
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
/**
 * The largest distance from the uniform of a bit pattern to 1, in units of 2^-32: that of bits 0,
 * (2^32 - 1/2) / 2^32. See `uniformFromBits`.
 */
const LACK_MAX: number = WHOLE - 0.5;

/**
 * Draws the same index but takes logarithms only where they can change the result. An entry beats
 * the value b only if its uniform u is above exp(-weight / e^b), and thus only if 1 - u < weight /
 * e^b.
 */
export function drawByWeight(weights: Float64Array, key: NoiseKey): number {
  const { a, b } = key;
  let best = 0;
  let bestValue = Number.NEGATIVE_INFINITY;
  let unit = 0;
  for (let id = 0; id < weights.length; id += 1) {
    const weight = weights[id] as number;
    const bits = mix(id, a, b);
    // The condition is nearly always true, also for weights of 0, which never win because their
    // logarithm is -Infinity. A separate branch for them would often be mispredicted and would cost
    // more than their noise.
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

/** Rounding may let an entry through, but must never rule out a possible winner. */
const SLACK = 1 - 1e-9;
/** Between these values, e^b has full precision. */
const VALUE_MIN = -600;
const VALUE_MAX = 700;

/**
 * e^b / 2^32: the weight that an entry needs for each unit by which its bits fall short of 1. 0
 * rules nothing out.
 */
function unitOf(value: number): number {
  if (value < VALUE_MIN || value > VALUE_MAX) return 0;
  return (Math.exp(value) / WHOLE) * SLACK;
}
