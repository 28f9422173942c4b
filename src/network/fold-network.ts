/** Folds a trained network into the form that answers. */
import { NORM_EPSILON } from './batch-norm.ts';
import { restored } from './checkpoint.ts';
import type { FoldedLayer } from './folded-layer.ts';
import { FoldedNetwork } from './folded-network.ts';
import { roundedToHalves } from './half-columns.ts';
import { layerSizes } from './network-shape.ts';
import type { TrainedNetwork } from './trained-network.ts';

/** A linear layer in double precision: the product of several steps is rounded once, at the end. */
interface Affine {
  readonly inputSize: number;
  readonly outputSize: number;
  /** [outputSize x inputSize] */
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/** The precision of the weights. Biases are always single. */
export type WeightPrecision = 'single' | 'half';

/**
 * Networks are kept in half precision. A network folded in half precision gives bit for bit the same
 * logits after it is written to a file and read back.
 * @throws PilotfishError `head-invalid` if its tensors do not fit its shape
 */
export function foldNetwork(
  network: TrainedNetwork,
  precision: WeightPrecision = 'half',
): FoldedNetwork {
  const { hidden } = network.shape;
  const layers: Affine[] = [];
  /** The product of the layers since the last ReLU. */
  let open: Affine | null = null;
  for (const index of layerSizes(network.shape).slice(1).keys()) {
    const layer = hidden[index]?.activation ? normalised(network, index) : linear(network, index);
    open = open === null ? layer : product(layer, open);
    if (index < hidden.length && !hidden[index]?.activation) continue;
    const round = precision === 'half' ? roundedToHalves : asItIs;
    layers.push(layers.length === 0 ? standardised(open, network, round) : rounded(open, round));
    open = null;
  }
  return new FoldedNetwork(layers.map(singlePrecision));
}

function linear({ shape, tensors }: TrainedNetwork, index: number): Affine {
  const [inputSize = 0, outputSize = 0] = layerSizes(shape).slice(index);
  const weights = restored(tensors, `${index}.weight`, inputSize * outputSize);
  const biases = restored(tensors, `${index}.bias`, outputSize);
  const doubles = { weights: Float64Array.from(weights), biases: Float64Array.from(biases) };
  return { inputSize, outputSize, ...doubles };
}

/**
 * The layer with the batch normalisation after it: each unit is scaled and shifted. The layer has no
 * bias of its own.
 */
function normalised({ shape, tensors }: TrainedNetwork, index: number): Affine {
  const [inputSize = 0, outputSize = 0] = layerSizes(shape).slice(index);
  const weights = restored(tensors, `${index}.weight`, inputSize * outputSize);
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
    inputSize,
    outputSize,
    weights: Float64Array.from(
      weights,
      (weight, at) => weight * factor(Math.floor(at / inputSize)),
    ),
    biases: Float64Array.from(
      shift,
      (value, unit) => value - (mean[unit] as number) * factor(unit),
    ),
  };
}

type Round = (weights: Float64Array, inputSize: number) => Float64Array;

const asItIs: Round = (weights) => weights;

function rounded(layer: Affine, round: Round): Affine {
  return { ...layer, weights: round(layer.weights, layer.inputSize) };
}

/**
 * The layer with the standardisation before it: each input is shifted and scaled. The shift uses the
 * rounded weights. Otherwise, for an input that is large but hardly changes, the rounding error times
 * its mean would move the logit.
 */
function standardised(layer: Affine, { tensors }: TrainedNetwork, round: Round): Affine {
  const { inputSize, weights, biases } = layer;
  const means = restored(tensors, 'input.mean', inputSize);
  const factors = restored(tensors, 'input.factor', inputSize);
  const scaled = round(
    weights.map((weight, at) => weight * (factors[at % inputSize] as number)),
    inputSize,
  );
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

function singlePrecision({ inputSize, outputSize, weights, biases }: Affine): FoldedLayer {
  const floats = { weights: Float32Array.from(weights), biases: Float32Array.from(biases) };
  return { inputSize, outputSize, ...floats };
}
