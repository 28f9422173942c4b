/**
 * A folded network as tensors, weights in half precision (half-columns.ts). For layer i = 0, 1, …:
 *
 *   layer.i.weight   F16 [outputs, inputs]   each column's largest is in [0.5, 1)
 *   layer.i.scale    F32 [inputs]            powers of two: weight = half · scale
 *   layer.i.bias     F32 [outputs]
 */
import { PilotfishError } from '../core/errors.ts';
import { fromHalf, toHalf } from '../core/half.ts';
import type { FoldedLayer } from './folded-layer.ts';
import { FoldedNetwork } from './folded-network.ts';
import { columnScales } from './half-columns.ts';
import type { Tensor, Tensors } from './safetensors.ts';

const LAYER_COUNT_MAX = 64;

/** Exact for a network that was folded in half precision. */
export function foldedNetworkTensors({ layers }: FoldedNetwork): Map<string, Tensor> {
  return new Map(layers.flatMap((layer, index) => layerTensors(layer, `layer.${index}`)));
}

function layerTensors(layer: FoldedLayer, name: string): [string, Tensor][] {
  const { inputSize, outputSize, weights, biases } = layer;
  const scales = columnScales(weights, inputSize);
  const scaled = weights.map((weight, at) => weight / (scales[at % inputSize] as number));
  const shape = [outputSize, inputSize];
  return [
    [`${name}.weight`, { dtype: 'F16', shape, values: toHalf(scaled) }],
    [`${name}.scale`, { dtype: 'F32', shape: [inputSize], values: scales }],
    [`${name}.bias`, { dtype: 'F32', shape: [outputSize], values: biases }],
  ];
}

/**
 * Reads the tensors of a folded network, and ignores tensors of other names.
 * @throws PilotfishError `head-invalid` if a tensor is missing, of another type or shape, or not
 *   finite
 */
export function foldedNetworkFromTensors(tensors: Tensors): FoldedNetwork {
  const layers: FoldedLayer[] = [];
  while (layers.length === 0 || tensors.has(`layer.${layers.length}.weight`)) {
    if (layers.length === LAYER_COUNT_MAX)
      throw invalid(`it has more than ${LAYER_COUNT_MAX} layers`);
    layers.push(readLayer(tensors, `layer.${layers.length}`));
  }
  const wrong = layers.findIndex(
    ({ outputSize }, index) => outputSize !== (layers[index + 1]?.inputSize ?? 1),
  );
  if (wrong >= 0) {
    const { outputSize } = layers[wrong] as FoldedLayer;
    const wanted = layers[wrong + 1]?.inputSize ?? 1;
    throw invalid(`layer.${wrong} has ${outputSize} outputs instead of ${wanted}`);
  }
  return new FoldedNetwork(layers);
}

function readLayer(tensors: Tensors, name: string): FoldedLayer {
  const stored = tensors.get(`${name}.weight`);
  const [outputSize = 0, inputSize = 0, ...more] = stored?.shape ?? [];
  if (stored?.dtype !== 'F16' || more.length > 0 || inputSize < 1 || outputSize < 1) {
    throw invalid(`${name}.weight is not a matrix in half precision`);
  }
  const scales = vector(tensors, `${name}.scale`, inputSize);
  const biases = vector(tensors, `${name}.bias`, outputSize);
  const weights = fromHalf(stored.values).map(
    (half, at) => half * (scales[at % inputSize] as number),
  );
  if (!weights.every(Number.isFinite)) throw invalid(`${name}.weight has entries without a value`);
  return { inputSize, outputSize, weights, biases };
}

function vector(tensors: Tensors, name: string, length: number): Float32Array {
  const tensor = tensors.get(name);
  const fits = tensor?.dtype === 'F32' && tensor.shape.length === 1 && tensor.shape[0] === length;
  if (!fits) throw invalid(`${name} is not a vector of ${length} numbers`);
  if (!tensor.values.every(Number.isFinite)) throw invalid(`${name} has entries without a value`);
  return tensor.values;
}

function invalid(what: string): PilotfishError {
  const remedy = 'Get or train the head again.';
  return new PilotfishError('head-invalid', `A head is not valid: ${what}.`, { remedy });
}
