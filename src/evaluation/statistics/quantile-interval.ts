/** The interval from the values of a statistic in replicates (percentile method). */
import { quantileSorted } from 'simple-statistics';
import type { Interval } from './interval.ts';

/**
 * The central 95 % of the values: the (n + 1) p-th of n sorted ones, with interpolation (type 6 of
 * R. Hyndman and Y. Fan, The American Statistician 50, 1996; a new value lies below it with chance
 * p). Null without any values.
 */
export function quantileInterval(values: ArrayLike<number>): Interval | null {
  if (values.length === 0) return null;
  const sorted = Array.from(Float64Array.from(values).sort());
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

function quantile(sorted: readonly number[], p: number): number {
  // `quantileSorted` takes the value at (n - 1) p, counted from 0.
  const last = sorted.length - 1;
  const place = Math.min(Math.max((sorted.length + 1) * p - 1, 0), last);
  return quantileSorted(sorted, last === 0 ? 0 : place / last);
}
