/**
 * The form of a network that answers. Standardisation and batch normalisation are folded into the
 * linear layers, and neighbouring linear layers are multiplied together, so that the paper's network
 * of three linear layers becomes one of two. It computes one logit at a time, without allocation.
 */
import { invariant } from '../core/invariant.ts';
import type { FoldedLayer } from './folded-layer.ts';
import { kernelLogit } from './kernel/kernel-logit.ts';
import { plainLogit } from './plain-logit.ts';

export class FoldedNetwork {
  /** There is a ReLU between neighbouring layers. The last layer has one output. */
  readonly layers: readonly FoldedLayer[];
  readonly inputSize: number;
  readonly #logit: (input: Float32Array) => number;

  constructor(layers: readonly FoldedLayer[]) {
    const fits = layers.every(({ inputSize, outputSize, weights, biases }, index) => {
      const next = layers[index + 1]?.inputSize ?? 1;
      const areWhole = weights.length === inputSize * outputSize && biases.length === outputSize;
      return areWhole && outputSize === next;
    });
    invariant(layers.length > 0 && fits, 'each layer reads what the one before it writes');
    this.layers = layers;
    this.inputSize = layers[0]?.inputSize ?? 0;
    this.#logit = kernelLogit(layers) ?? plainLogit(layers);
  }

  /** @param input [inputSize] raw features, not standardised */
  logit(input: Float32Array): number {
    invariant(input.length === this.inputSize, 'the input size is that of the network');
    return this.#logit(input);
  }
}
