/**
 * A row read by the kernel. Its choices are those of `PlainRow` for every input. Its statistics and
 * whole distributions agree to a relative 1e-9, its log-partitions on rows of models to 2e-4. The kernel
 * only rules entries out, with bounds on the safe side; the decision between the remaining entries is
 * computed as in the plain loops. The plain loops decide if rounding could change the result (top-p, at
 * a border), and for unusual rows or temperatures.
 */
import { invariant } from '../../core/invariant.ts';
import { type NoiseKey, noiseGumbel } from '../../core/noise.ts';
import type { DistributionParams } from '../../core/sampling-params.ts';
import { truncates } from '../candidates.ts';
import { expOfNonPositive } from '../exponential.ts';
import type { LogitRow } from '../logit-row.ts';
import { PlainRow } from '../plain-row.ts';
import type { RowStatistics } from '../row-statistics.ts';
import { kernelCandidates } from './kernel-candidates.ts';
import { kernelLogPartitions } from './kernel-log-partitions.ts';
import { BLOCK_SIZE, EXPONENT_MIN, type RowKernel } from './row-kernel.ts';

/** The temperatures and row heights for which the single-precision bound of a draw is proven. */
const TEMPERATURE_MIN = 1e-6;
const TEMPERATURE_MAX = 1e6;
const HEIGHT_MAX = 1e8;
/** Units of a float's bit pattern per nat; `contender` explains them. */
const UNITS_PER_NAT = 2 ** 23 / Math.LN2;
/** 31 bits of noise and the exponent's bias. The last term outweighs all rounding. */
const UNITS_OFFSET = (31 + 127) * 2 ** 23 + 2 ** 13;

export class KernelRow implements LogitRow {
  readonly #kernel: RowKernel;
  readonly #logits: Float32Array;
  readonly #size: number;
  readonly #max: number;
  readonly #load: number;
  #best = -1;

  private constructor(kernel: RowKernel, logits: Float32Array, size: number, max: number) {
    this.#kernel = kernel;
    this.#logits = logits;
    this.#size = size;
    this.#max = max;
    this.#load = kernel.loadCount;
  }

  /** @returns null for rows without a finite largest entry, with a NaN, or too large for memory */
  static open(kernel: RowKernel, logits: Float32Array, size: number): KernelRow | null {
    const max = kernel.load(logits, size);
    if (max === null || !Number.isFinite(max)) return null;
    return new KernelRow(kernel, logits, size, max);
  }

  argmax(): number {
    if (this.#best < 0) this.#best = this.#loaded.firstOf(this.#max);
    return this.#best;
  }

  draw(temperature: number, key: NoiseKey): number {
    const isOrdinary = temperature >= TEMPERATURE_MIN && temperature <= TEMPERATURE_MAX;
    if (!isOrdinary || Math.abs(this.#max) / temperature > HEIGHT_MAX) {
      return this.#plain().draw(temperature, key);
    }
    const { row } = this.#loaded;
    const drawn = (id: number): number => (row[id] as number) / temperature + noiseGumbel(key, id);
    const scale = UNITS_PER_NAT / temperature;
    const height = this.#max / temperature;
    let best = this.argmax();
    let bestValue = drawn(best);
    for (let id = 0; ; id += 4) {
      const offset = (height - bestValue) * UNITS_PER_NAT + UNITS_OFFSET;
      const bound = { scale, offset, keyA: key.a, keyB: key.b };
      id = this.#kernel.contender(id, this.#max, bound);
      if (id < 0) return best;
      for (let lane = id; lane < id + 4; lane += 1) {
        const value = drawn(lane);
        if (value < bestValue || (value === bestValue && lane >= best)) continue;
        bestValue = value;
        best = lane;
      }
    }
  }

  candidates(params: DistributionParams): readonly number[] {
    const row = { kernel: this.#loaded, size: this.#size, max: this.#max };
    return kernelCandidates(row, params) ?? this.#plain().candidates(params);
  }

  statistics(): RowStatistics {
    const { sum, weighted } = this.#loaded.sums(this.#max, EXPONENT_MIN);
    const logSum = Math.log(sum);
    return {
      logSumExp: this.#max + logSum,
      // H = ln Z - Σ p · (logit - max); rounding must not make it negative.
      entropy: Math.max(0, logSum - weighted / sum),
      margin: (1 - Math.exp(this.#second() - this.#max)) / sum,
    };
  }

  logPartitions(): Float64Array {
    return kernelLogPartitions(this.#loaded, this.#max);
  }

  distribution(params: DistributionParams): Float64Array {
    const { temperature } = params;
    if (temperature > 0 && !truncates(params)) {
      const scale = 1 / temperature;
      if (Number.isFinite(scale)) return this.#loaded.softmax(this.#max, scale);
      return this.#plain().distribution(params);
    }
    const ids = temperature === 0 ? [this.argmax()] : this.candidates(params);
    const weigh = (id: number): number =>
      temperature === 0
        ? 1
        : expOfNonPositive(((this.#logits[id] as number) - this.#max) / temperature);
    let sum = 0;
    for (const id of ids) sum += weigh(id);
    const probabilities = new Float64Array(this.#size);
    for (const id of ids) probabilities[id] = weigh(id) / sum;
    return probabilities;
  }

  #plain(): PlainRow {
    return new PlainRow(this.#logits, this.#size);
  }

  /** The kernel with this row. No other row may have been loaded since. */
  get #loaded(): RowKernel {
    invariant(this.#kernel.loadCount === this.#load, 'a row is read before the next is opened');
    return this.#kernel;
  }

  /** The largest entry except the best. */
  #second(): number {
    const { row, maxima } = this.#loaded;
    const best = this.argmax();
    const block = Math.floor(best / BLOCK_SIZE);
    let second = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < maxima.length; index += 1) {
      if (index !== block) second = Math.max(second, maxima[index] as number);
    }
    for (let id = block * BLOCK_SIZE; id < (block + 1) * BLOCK_SIZE; id += 1) {
      if (id !== best) second = Math.max(second, row[id] as number);
    }
    return second;
  }
}
