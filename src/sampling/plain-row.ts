/**
 * A row read by plain loops: the definition of every result, and the oracle of the kernel's tests. It
 * also serves machines without a kernel, and rows that the kernel does not take (see `openRow`).
 */
import type { NoiseKey } from '../core/noise.ts';
import type { DistributionParams } from '../core/sampling-params.ts';
import { candidates } from './candidates.ts';
import { processedDistribution } from './distribution.ts';
import { drawFromAll } from './gumbel-draw.ts';
import type { LogitRow } from './logit-row.ts';
import { logPartitions } from './perturbation.ts';
import { argmax, type RowStatistics, rowStatistics } from './row-statistics.ts';

export class PlainRow implements LogitRow {
  readonly #logits: Float32Array;
  readonly #size: number;

  constructor(logits: Float32Array, size: number) {
    this.#logits = logits;
    this.#size = size;
  }

  argmax(): number {
    return argmax(this.#logits, this.#size);
  }

  draw(temperature: number, key: NoiseKey): number {
    return drawFromAll(this.#logits, this.#size, temperature, key);
  }

  candidates(params: DistributionParams): readonly number[] {
    return candidates(this.#logits, this.#size, params);
  }

  statistics(): RowStatistics {
    return rowStatistics(this.#logits, this.#size);
  }

  logPartitions(): Float64Array {
    return logPartitions(this.#logits, this.#size);
  }

  distribution(params: DistributionParams): Float64Array {
    return processedDistribution(this.#logits, this.#size, params);
  }
}
