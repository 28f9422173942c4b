/** A linear layer: out = in · Wᵀ + b, with W as [outputSize x inputSize], like PyTorch. */
import type { Parameter } from './layer.ts';
import { type Allocate, type Multiply, matrix, type Numbers, transposed } from './matrix.ts';
import type { Steps } from './steps.ts';

export interface LinearOptions {
  readonly name: string;
  readonly inputSize: number;
  readonly outputSize: number;
  /**
   * False before batch normalisation, which would subtract the bias again. The gradient of the bias
   * would be pure rounding error, and Adam would turn that into whole steps.
   */
  readonly hasBias: boolean;
  /** The size of the largest batch. */
  readonly rowCountMax: number;
  readonly allocate: Allocate;
  readonly multiply: Multiply;
}

export class Linear {
  readonly #options: LinearOptions;
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #outputs: Numbers;
  readonly #inputGradients: Numbers;
  #inputs: Numbers;

  constructor(options: LinearOptions) {
    const { name, inputSize, outputSize, hasBias, rowCountMax, allocate } = options;
    const parameter = (part: string, count: number, decays: boolean): Parameter => {
      const [values, gradients] = [allocate(count), allocate(count)];
      return { name: `${name}.${part}`, values, gradients, decays };
    };
    this.#options = options;
    this.weight = parameter('weight', outputSize * inputSize, true);
    this.bias = hasBias ? parameter('bias', outputSize, false) : null;
    this.#outputs = allocate(rowCountMax * outputSize);
    this.#inputGradients = allocate(rowCountMax * inputSize);
    this.#inputs = this.#outputs;
  }

  get parameters(): readonly Parameter[] {
    return this.bias === null ? [this.weight] : [this.weight, this.bias];
  }

  get inputSize(): number {
    return this.#options.inputSize;
  }

  /**
   * @param inputs [rowCount x inputSize], not to be changed before the backward pass
   * @returns [rowCount x outputSize], the layer's own memory, valid until its next pass
   */
  *forward(inputs: Numbers, rowCount: number): Steps<Numbers> {
    const { inputSize, outputSize, multiply } = this.#options;
    const weight = matrix(this.weight.values, outputSize, inputSize);
    this.#inputs = inputs;
    yield* multiply(matrix(inputs, rowCount, inputSize), transposed(weight), this.#outputs);
    if (this.bias !== null) addToRows(this.#outputs, this.bias.values, rowCount);
    return this.#outputs;
  }

  /**
   * @param gradients [rowCount x outputSize] with respect to the outputs of the last forward pass
   * @returns [rowCount x inputSize] with respect to its inputs, in the layer's own memory
   */
  *backward(gradients: Numbers, rowCount: number): Steps<Numbers> {
    const { inputSize, outputSize, multiply } = this.#options;
    yield* this.backwardToParameters(gradients, rowCount);
    const weight = matrix(this.weight.values, outputSize, inputSize);
    yield* multiply(matrix(gradients, rowCount, outputSize), weight, this.#inputGradients);
    return this.#inputGradients;
  }

  /** The backward pass of the first layer, whose gradient with respect to the inputs is not needed. */
  *backwardToParameters(gradients: Numbers, rowCount: number): Steps<void> {
    const { inputSize, outputSize, multiply } = this.#options;
    const outer = transposed(matrix(gradients, rowCount, outputSize));
    yield* multiply(outer, matrix(this.#inputs, rowCount, inputSize), this.weight.gradients);
    if (this.bias !== null) sumOfRows(gradients, this.bias.gradients, rowCount);
  }
}

function addToRows(rows: Numbers, addend: Numbers, rowCount: number): void {
  const size = addend.length;
  for (let row = 0; row < rowCount; row += 1) {
    for (let unit = 0; unit < size; unit += 1) {
      const at = row * size + unit;
      rows[at] = (rows[at] as number) + (addend[unit] as number);
    }
  }
}

function sumOfRows(rows: Numbers, sums: Numbers, rowCount: number): void {
  const size = sums.length;
  const exact = new Float64Array(size);
  for (let row = 0; row < rowCount; row += 1) {
    for (let unit = 0; unit < size; unit += 1) {
      exact[unit] = (exact[unit] as number) + (rows[row * size + unit] as number);
    }
  }
  sums.set(exact);
}
