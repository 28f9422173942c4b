/**
 * Ratios of pairs that ran side by side. The interval is that of the sign test: order statistics that
 * contain the median for any distribution, because timings on a shared machine have no known
 * distribution.
 */
import { invariant } from '../../src/core/invariant.ts';

export interface PairedRatio {
  readonly pairCount: number;
  readonly median: number;
  /** The median lies in [low, high] with probability `coverage`: at least 0.95 from six pairs on. */
  readonly low: number;
  readonly high: number;
  readonly coverage: number;
  readonly smallest: number;
  readonly largest: number;
}

const COVERAGE_WANTED = 0.95;

/** @param ratios one per pair, at least one */
export function pairedRatio(ratios: readonly number[]): PairedRatio {
  const sorted = ascending(ratios);
  const count = sorted.length;
  // The most values that can be left out at both ends. With few pairs none can, and the coverage is
  // less.
  let cut = 0;
  while (cut + 1 < count / 2 && coverageOf(count, cut + 1) >= COVERAGE_WANTED) cut += 1;
  return {
    pairCount: count,
    median: median(sorted),
    low: at(sorted, cut),
    high: at(sorted, count - 1 - cut),
    coverage: coverageOf(count, cut),
    smallest: at(sorted, 0),
    largest: at(sorted, count - 1),
  };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear interpolation between order statistics. @param share from 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = ascending(values);
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const upper = at(sorted, Math.min(below + 1, sorted.length - 1));
  return at(sorted, below) + (place - below) * (upper - at(sorted, below));
}

/**
 * The probability that the median of the population is between the ends of `count` values without `cut`
 * at each end.
 */
function coverageOf(count: number, cut: number): number {
  let term = 0.5 ** count;
  let outside = 0;
  for (let below = 0; below <= cut; below += 1) {
    outside += 2 * term;
    term *= (count - below) / (below + 1);
  }
  return Math.max(0, 1 - outside);
}

function ascending(values: readonly number[]): number[] {
  invariant(values.length > 0, 'statistics need a value');
  return [...values].sort((a, b) => a - b);
}

function at(sorted: readonly number[], index: number): number {
  return sorted[index] ?? Number.NaN;
}
