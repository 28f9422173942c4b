/**
 * Weights in half precision. Folding leaves inputs of very different scales. Each column of a layer
 * (the weights of one input) is therefore divided by a power of two first, so that the rounding to
 * half precision loses the same share of every column.
 */
import { roundToHalf } from '../core/half.ts';
import type { Numbers } from './matrix.ts';

/** Powers of two outside these exponents are not exact in single precision. */
const EXPONENT_MIN = -126;
const EXPONENT_MAX = 127;

/**
 * A power of two for each of the `inputSize` columns of `weights`, [outputs x inputSize]. Divided by
 * it, the largest weight of a column rounds to a value in [0.5, 1). It is 1 for a column of zeros.
 */
export function columnScales(weights: Numbers, inputSize: number): Float32Array {
  const largest = new Float64Array(inputSize);
  for (let at = 0; at < weights.length; at += 1) {
    const input = at % inputSize;
    largest[input] = Math.max(largest[input] as number, Math.abs(weights[at] as number));
  }
  return Float32Array.from(largest, scaleOf);
}

function scaleOf(largest: number): number {
  if (!(largest > 0 && Number.isFinite(largest))) return 1;
  const exponent = Math.floor(Math.log2(largest)) + 1;
  // A value that rounds up to 1 belongs to the next power, so that rounded weights keep their scales.
  const carried = roundToHalf(largest * 2 ** -exponent) >= 1 ? exponent + 1 : exponent;
  return 2 ** Math.min(Math.max(carried, EXPONENT_MIN), EXPONENT_MAX);
}

/** The nearest weights that half precision can represent, with the scales of their columns. */
export function roundedToHalves(weights: Float64Array, inputSize: number): Float64Array {
  const scales = columnScales(weights, inputSize);
  return weights.map((weight, at) => {
    const scale = scales[at % inputSize] as number;
    return roundToHalf(weight / scale) * scale;
  });
}
