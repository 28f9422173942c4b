/** The logit of a folded network in plain loops: the definition, and the fallback without a kernel. */
import type { FoldedLayer } from './folded-layer.ts';

/** @returns a function that overwrites its own memory at each call */
export function plainLogit(layers: readonly FoldedLayer[]): (input: Float32Array) => number {
  const outputs = layers.map(({ outputSize }) => new Float32Array(outputSize));
  return (input) => {
    let values = input;
    for (let index = 0; index < layers.length; index += 1) {
      const out = outputs[index] as Float32Array;
      apply(layers[index] as FoldedLayer, values, out, index < layers.length - 1);
      values = out;
    }
    return values[0] as number;
  };
}

function apply(
  layer: FoldedLayer,
  input: Float32Array,
  out: Float32Array,
  isHidden: boolean,
): void {
  const { inputSize, outputSize, weights, biases } = layer;
  for (let unit = 0; unit < outputSize; unit += 1) {
    let sum = biases[unit] as number;
    for (let index = 0; index < inputSize; index += 1) {
      sum += (weights[unit * inputSize + index] as number) * (input[index] as number);
    }
    out[unit] = isHidden ? Math.max(0, sum) : sum;
  }
}
