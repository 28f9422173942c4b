/** A trainable network: its layers, its forward and backward passes, and its numbers by name. */
import { BatchNorm } from './batch-norm.ts';
import { Dropout } from './dropout.ts';
import { initialise } from './initial-weights.ts';
import type { InPlaceLayer, Parameter, Pass, Statistic } from './layer.ts';
import { Linear } from './linear.ts';
import type { Allocate, Multiply, Numbers } from './matrix.ts';
import { layerSizes, type NetworkShape } from './network-shape.ts';
import { Relu } from './relu.ts';
import type { Steps } from './steps.ts';

export interface NetworkOptions {
  readonly shape: NetworkShape;
  /** The seed of dropout. */
  readonly seed: number;
  /** The size of the largest batch. */
  readonly rowCountMax: number;
  readonly allocate: Allocate;
  readonly multiply: Multiply;
}

/** A linear layer, with the layers between it and the next linear layer. */
interface Block {
  readonly linear: Linear;
  readonly behind: readonly InPlaceLayer[];
}

export class Network {
  readonly #blocks: readonly Block[];
  readonly parameters: readonly Parameter[];
  readonly statistics: readonly Statistic[];

  /** The shape must pass `checkShape`. */
  constructor(options: NetworkOptions) {
    const sizes = layerSizes(options.shape);
    this.#blocks = sizes.slice(1).map((_, index) => block(options, sizes, index));
    this.parameters = this.#blocks.flatMap(({ linear, behind }) => [
      ...linear.parameters,
      ...behind.flatMap(({ parameters }) => parameters),
    ]);
    this.statistics = this.#blocks.flatMap(({ behind }) =>
      behind.flatMap(({ statistics }) => statistics),
    );
  }

  /** Sets the initial weights of a training; before that they are 0. */
  *initialise(seed: number): Steps<void> {
    for (const [index, { linear }] of this.#blocks.entries())
      yield* initialise(linear, seed, index);
  }

  /**
   * @param rows [rowCount x inputSize], standardised
   * @returns [rowCount] logits in the network's own memory, valid until its next pass
   */
  *forward(rows: Numbers, rowCount: number, pass: Pass): Steps<Numbers> {
    let values = rows;
    for (const { linear, behind } of this.#blocks) {
      values = yield* linear.forward(values, rowCount);
      for (const layer of behind) {
        layer.forward(values, rowCount, pass);
        yield;
      }
    }
    return values;
  }

  /**
   * Computes the gradients of all parameters after a training forward pass.
   * @param slopes [rowCount] the derivative of the loss with respect to each logit
   */
  *backward(slopes: Numbers, rowCount: number): Steps<void> {
    let gradients = slopes;
    for (let index = this.#blocks.length - 1; index >= 0; index -= 1) {
      const { linear, behind } = this.#blocks[index] as Block;
      for (const layer of behind.toReversed()) {
        layer.backward(gradients, rowCount);
        yield;
      }
      if (index === 0) yield* linear.backwardToParameters(gradients, rowCount);
      else gradients = yield* linear.backward(gradients, rowCount);
    }
  }
}

function block(options: NetworkOptions, sizes: readonly number[], index: number): Block {
  const { shape, seed, rowCountMax, allocate, multiply } = options;
  const inputSize = sizes[index] as number;
  const size = sizes[index + 1] as number;
  const name = String(index);
  const common = { rowCountMax, allocate };
  const hidden = shape.hidden[index];
  const hasBias = hidden?.activation !== true;
  const sizesOf = { inputSize, outputSize: size, hasBias };
  const linear = new Linear({ ...common, ...sizesOf, name, multiply });
  if (hidden === undefined) return { linear, behind: [] };
  const activation = hidden.activation
    ? [new BatchNorm({ ...common, name: `${name}.norm`, size }), new Relu(size, rowCountMax)]
    : [];
  const dropout = new Dropout({ seed, layer: index, size, rowCountMax, share: shape.dropout });
  return { linear, behind: [...activation, dropout] };
}
