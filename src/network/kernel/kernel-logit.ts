/**
 * A folded network in the kernel. Its layers are laid out in a memory of their own, ready to be
 * multiplied.
 */
import type { FoldedLayer } from '../folded-layer.ts';
import { matrix, transposed } from '../matrix.ts';
import { openMatrixKernel, packColumns, RIGHT_WIDTH, reserve } from './matrix-kernel.ts';

/** The location of a layer, in bytes. */
interface Place {
  readonly inputs: number;
  readonly inputsEnd: number;
  readonly panels: number;
  readonly panelsEnd: number;
  readonly biases: number;
  /** The inputs of the next layer. */
  readonly outputs: number;
  readonly floor: number;
}

/** @returns null without a kernel, or without memory for it */
export function kernelLogit(
  layers: readonly FoldedLayer[],
): ((input: Float32Array) => number) | null {
  const kernel = openMatrixKernel();
  const places = placesOf(layers);
  const last = places.at(-1);
  if (kernel === null || last === undefined) return null;
  if (!reserve(kernel, last.outputs + 4 * RIGHT_WIDTH)) return null;
  const { buffer } = kernel.memory;
  for (const [index, layer] of layers.entries()) load(buffer, layer, places[index] as Place);
  const inputs = new Float32Array(buffer, 0, layers[0]?.inputSize ?? 0);
  const logit = new Float32Array(buffer, last.outputs, 1);
  return (input) => {
    inputs.set(input);
    for (let index = 0; index < places.length; index += 1) {
      const place = places[index] as Place;
      const { inputsEnd, panels, panelsEnd, biases, floor, outputs } = place;
      kernel.layer(place.inputs, inputsEnd, panels, panelsEnd, biases, floor, outputs);
    }
    return logit[0] as number;
  };
}

/** Units are padded to whole panels. The padding stays 0. */
function padded(count: number): number {
  return Math.ceil(count / RIGHT_WIDTH) * RIGHT_WIDTH;
}

function placesOf(layers: readonly FoldedLayer[]): Place[] {
  let inputs = 0;
  return layers.map(({ inputSize, outputSize }, index) => {
    const inputsEnd = inputs + 4 * padded(inputSize);
    const panels = inputsEnd;
    const panelsEnd = panels + 4 * padded(inputSize) * padded(outputSize);
    const biases = panelsEnd;
    const outputs = biases + 4 * padded(outputSize);
    const floor = index < layers.length - 1 ? 0 : Number.NEGATIVE_INFINITY;
    const place = { inputs, inputsEnd, panels, panelsEnd, biases, outputs, floor };
    inputs = outputs;
    return place;
  });
}

function load(buffer: ArrayBuffer, layer: FoldedLayer, { panels, biases }: Place): void {
  const { inputSize, outputSize, weights } = layer;
  // Rows are padded as well: the padding has weights of 0, and its inputs are 0.
  const wide = new Float32Array(outputSize * padded(inputSize));
  for (let unit = 0; unit < outputSize; unit += 1) {
    const row = weights.subarray(unit * inputSize, (unit + 1) * inputSize);
    wide.set(row, unit * padded(inputSize));
  }
  const columns = transposed(matrix(wide, outputSize, padded(inputSize)));
  packColumns(columns, RIGHT_WIDTH, new Float32Array(buffer, panels));
  new Float32Array(buffer, biases, outputSize).set(layer.biases);
}
