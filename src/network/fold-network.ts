/** From a trained network to the form that answers. */
import { NORM_EPSILON } from './batch-norm.ts';
import { restored } from './checkpoint.ts';
import { type FoldedLayer, FoldedNetwork } from './folded-network.ts';
import { layerSizes } from './network-shape.ts';
import type { TrainedNetwork } from './trained-network.ts';

/** A linear layer in double precision: products of several steps are rounded once, at the end. */
interface Affine {
  readonly inputSize: number;
  readonly outputSize: number;
  /** [outputSize x inputSize] */
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/** @throws PilotfishError `head-invalid` if its tensors do not fit its shape */
export function foldNetwork(network: TrainedNetwork): FoldedNetwork {
  const { hidden } = network.shape;
  const layers: Affine[] = [];
  /** What has no ReLU behind it yet. */
  let open: Affine | null = null;
  for (const index of layerSizes(network.shape).slice(1).keys()) {
    const layer: Affine = hidden[index]?.activation
      ? normalised(linear(network, index), network, index)
      : linear(network, index);
    open = open === null ? layer : product(layer, open);
    if (index < hidden.length && !hidden[index]?.activation) continue;
    layers.push(layers.length === 0 ? standardised(open, network) : open);
    open = null;
  }
  return new FoldedNetwork(layers.map(rounded));
}

function linear({ shape, tensors }: TrainedNetwork, index: number): Affine {
  const [inputSize = 0, outputSize = 0] = layerSizes(shape).slice(index);
  const weights = restored(tensors, `${index}.weight`, inputSize * outputSize);
  const biases = restored(tensors, `${index}.bias`, outputSize);
  const doubles = { weights: Float64Array.from(weights), biases: Float64Array.from(biases) };
  return { inputSize, outputSize, ...doubles };
}

/** With batch normalisation behind it: each unit is scaled and shifted. */
function normalised(layer: Affine, { tensors }: TrainedNetwork, index: number): Affine {
  const { inputSize, outputSize, weights, biases } = layer;
  const part = (name: string): Float32Array =>
    restored(tensors, `${index}.norm.${name}`, outputSize);
  const [scale, shift, mean, variance] = [
    part('weight'),
    part('bias'),
    part('mean'),
    part('variance'),
  ];
  const factor = (unit: number): number =>
    (scale[unit] as number) / Math.sqrt((variance[unit] as number) + NORM_EPSILON);
  return {
    ...layer,
    weights: weights.map((weight, at) => weight * factor(Math.floor(at / inputSize))),
    biases: biases.map(
      (bias, unit) => (bias - (mean[unit] as number)) * factor(unit) + (shift[unit] as number),
    ),
  };
}

/** With the standardisation in front of it: each input is shifted and scaled. */
function standardised(layer: Affine, { tensors }: TrainedNetwork): Affine {
  const { inputSize, weights, biases } = layer;
  const means = restored(tensors, 'input.mean', inputSize);
  const factors = restored(tensors, 'input.factor', inputSize);
  const scaled = weights.map((weight, at) => weight * (factors[at % inputSize] as number));
  const shifted = biases.map((bias, unit) => {
    let sum = bias;
    for (let input = 0; input < inputSize; input += 1) {
      sum -= (scaled[unit * inputSize + input] as number) * (means[input] as number);
    }
    return sum;
  });
  return { ...layer, weights: scaled, biases: shifted };
}

/** outer(inner(x)) as one layer. */
function product(outer: Affine, inner: Affine): Affine {
  const { inputSize, outputSize: middle } = inner;
  const weights = new Float64Array(outer.outputSize * inputSize);
  const biases = outer.biases.slice();
  for (let unit = 0; unit < outer.outputSize; unit += 1) {
    for (let between = 0; between < middle; between += 1) {
      const weight = outer.weights[unit * middle + between] as number;
      biases[unit] = (biases[unit] as number) + weight * (inner.biases[between] as number);
      for (let input = 0; input < inputSize; input += 1) {
        const at = unit * inputSize + input;
        weights[at] =
          (weights[at] as number) + weight * (inner.weights[between * inputSize + input] as number);
      }
    }
  }
  return { inputSize, outputSize: outer.outputSize, weights, biases };
}

function rounded({ inputSize, outputSize, weights, biases }: Affine): FoldedLayer {
  const floats = { weights: Float32Array.from(weights), biases: Float32Array.from(biases) };
  return { inputSize, outputSize, ...floats };
}
