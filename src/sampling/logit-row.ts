/**
 * The operations of the sampling steps and statistics on one row of logits. There are two ways
 * through a row: `PlainRow`, with one loop per operation, is the definition and the oracle of the
 * tests; `KernelRow` makes the same choices about ten times as fast. `openRow` picks one of them.
 */
import type { NoiseKey } from '../core/noise.ts';
import type { DistributionParams } from '../core/sampling-params.ts';
import type { RowStatistics } from './row-statistics.ts';

/** The first `size` entries of a row: the ids that exist. Valid until the next row is opened. */
export interface LogitRow {
  /** The id of the largest entry; the lowest id wins a tie. */
  argmax(): number;
  /** argmax(logit / temperature + Gumbel noise) over all ids. */
  draw(temperature: number, key: NoiseKey): number;
  /** The ids that top-k, top-p and min-p leave, most probable first; at least one. */
  candidates(params: DistributionParams): readonly number[];
  /** Statistics of the distribution before the sampling steps. */
  statistics(): RowStatistics;
  /**
   * [PERTURBATION_COUNT] ln Σ e^((logit - max) / θ) at the perturbed temperatures θ: at least 0. NaN
   * without a finite largest entry.
   */
  logPartitions(): Float64Array;
  /** [size] probabilities after the sampling steps, summing to 1. Owns its memory. */
  distribution(params: DistributionParams): Float64Array;
}
