/**
 * Weights in half precision. Folding leaves inputs of very different scales, so each column of a
 * layer (the weights of one input) is divided by a power of two first: what half precision loses is
 * then the same share of every column.
 */
import { roundToHalf } from '../core/half.ts';
import type { Numbers } from './matrix.ts';

/** Powers of two outside of these are not exact in single precision. */
const EXPONENT_MIN = -126;
const EXPONENT_MAX = 127;

/**
 * A power of two for each of the `inputSize` columns of `weights`, [outputs x inputSize]: divided by
 * it, the largest of a column rounds to something in [0.5, 1). 1 for a column of zeros.
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
  // What rounds up to 1 belongs to the next power: scales of rounded weights are then the same.
  const carried = roundToHalf(largest * 2 ** -exponent) >= 1 ? exponent + 1 : exponent;
  return 2 ** Math.min(Math.max(carried, EXPONENT_MIN), EXPONENT_MAX);
}

/** The nearest weights that half precision can hold, with the scales of their columns. */
export function roundedToHalves(weights: Float64Array, inputSize: number): Float64Array {
  const scales = columnScales(weights, inputSize);
  return weights.map((weight, at) => {
    const scale = scales[at % inputSize] as number;
    return roundToHalf(weight / scale) * scale;
  });
}
