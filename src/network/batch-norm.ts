/**
 * Batch normalisation (Ioffe & Szegedy, 2015): each unit is brought to mean 0 and variance 1 over the
 * batch, then scaled and shifted with learned parameters. The statistics are those of PyTorch's
 * BatchNorm1d: momentum 0.1, a biased variance in the batch, an unbiased running variance.
 */
import { invariant } from '../core/invariant.ts';
import type { InPlaceLayer, Parameter, Pass, Statistic } from './layer.ts';
import type { Allocate, Numbers } from './matrix.ts';

/** Added to variances, so that a unit that never changes stays finite. */
export const NORM_EPSILON = 1e-5;
const MOMENTUM = 0.1;

export interface BatchNormOptions {
  readonly name: string;
  readonly size: number;
  readonly rowCountMax: number;
  readonly allocate: Allocate;
}

export class BatchNorm implements InPlaceLayer {
  readonly #size: number;
  readonly #scale: Parameter;
  readonly #shift: Parameter;
  readonly #runningMean: Statistic;
  readonly #runningVariance: Statistic;
  /** [rowCount x size] of the last training pass: mean 0, variance 1. */
  readonly #normal: Numbers;
  /** [size] 1 / √(variance + ε) of the last pass. */
  readonly #factors: Float64Array;
  readonly #means: Float64Array;

  constructor({ name, size, rowCountMax, allocate }: BatchNormOptions) {
    const parameter = (part: string): Parameter => {
      return {
        name: `${name}.${part}`,
        values: allocate(size),
        gradients: allocate(size),
        decays: false,
      };
    };
    this.#size = size;
    this.#scale = parameter('weight');
    this.#shift = parameter('bias');
    this.#runningMean = { name: `${name}.mean`, values: allocate(size) };
    this.#runningVariance = { name: `${name}.variance`, values: allocate(size) };
    this.#scale.values.fill(1);
    this.#runningVariance.values.fill(1);
    this.#normal = allocate(rowCountMax * size);
    this.#factors = new Float64Array(size);
    this.#means = new Float64Array(size);
  }

  get parameters(): readonly Parameter[] {
    return [this.#scale, this.#shift];
  }

  get statistics(): readonly Statistic[] {
    return [this.#runningMean, this.#runningVariance];
  }

  forward(rows: Numbers, rowCount: number, { training }: Pass): void {
    if (training) this.#measure(rows, rowCount);
    else this.#recall();
    const [size, means, factors, normal] = [this.#size, this.#means, this.#factors, this.#normal];
    const [scale, shift] = [this.#scale.values, this.#shift.values];
    for (let row = 0; row < rowCount; row += 1) {
      for (let unit = 0; unit < size; unit += 1) {
        const at = row * size + unit;
        const value = ((rows[at] as number) - (means[unit] as number)) * (factors[unit] as number);
        normal[at] = value;
        rows[at] = value * (scale[unit] as number) + (shift[unit] as number);
      }
    }
  }

  backward(gradients: Numbers, rowCount: number): void {
    const [size, normal, factors] = [this.#size, this.#normal, this.#factors];
    const sums = new Float64Array(size);
    const products = new Float64Array(size);
    for (let row = 0; row < rowCount; row += 1) {
      for (let unit = 0; unit < size; unit += 1) {
        const gradient = gradients[row * size + unit] as number;
        sums[unit] = (sums[unit] as number) + gradient;
        products[unit] =
          (products[unit] as number) + gradient * (normal[row * size + unit] as number);
      }
    }
    this.#shift.gradients.set(sums);
    this.#scale.gradients.set(products);
    const scale = this.#scale.values;
    // Mean and variance depend on every row, so their part of the gradient is taken out.
    for (let row = 0; row < rowCount; row += 1) {
      for (let unit = 0; unit < size; unit += 1) {
        const at = row * size + unit;
        const share =
          ((sums[unit] as number) + (normal[at] as number) * (products[unit] as number)) / rowCount;
        gradients[at] =
          ((gradients[at] as number) - share) * (scale[unit] as number) * (factors[unit] as number);
      }
    }
  }

  /** Computes the statistics of the batch, and updates the running statistics. */
  #measure(rows: Numbers, rowCount: number): void {
    invariant(rowCount > 1, 'batch normalisation trains on more than one row');
    const [size, means, factors] = [this.#size, this.#means, this.#factors];
    means.fill(0);
    for (let row = 0; row < rowCount; row += 1) {
      for (let unit = 0; unit < size; unit += 1) {
        means[unit] = (means[unit] as number) + (rows[row * size + unit] as number);
      }
    }
    for (let unit = 0; unit < size; unit += 1) means[unit] = (means[unit] as number) / rowCount;
    const squares = factors.fill(0);
    for (let row = 0; row < rowCount; row += 1) {
      for (let unit = 0; unit < size; unit += 1) {
        const distance = (rows[row * size + unit] as number) - (means[unit] as number);
        squares[unit] = (squares[unit] as number) + distance * distance;
      }
    }
    const [runningMean, runningVariance] = [this.#runningMean.values, this.#runningVariance.values];
    for (let unit = 0; unit < size; unit += 1) {
      const square = squares[unit] as number;
      follow(runningMean, unit, means[unit] as number);
      follow(runningVariance, unit, square / (rowCount - 1));
      factors[unit] = 1 / Math.sqrt(square / rowCount + NORM_EPSILON);
    }
  }

  #recall(): void {
    this.#means.set(this.#runningMean.values);
    this.#runningVariance.values.forEach((variance, unit) => {
      this.#factors[unit] = 1 / Math.sqrt(variance + NORM_EPSILON);
    });
  }
}

function follow(running: Numbers, unit: number, value: number): void {
  running[unit] = (1 - MOMENTUM) * (running[unit] as number) + MOMENTUM * value;
}
