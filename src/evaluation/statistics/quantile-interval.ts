/** Interval and p-value from the values of a statistic in replicates (percentile method). */
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

/**
 * The two-sided p-value of "the statistic is 0": the level at which the percentile interval would
 * just reach 0, that is min(1, 2 min(1 + #{<= 0}, 1 + #{>= 0}) / (1 + #)). Because 1 is added to
 * the counts, it is never 0 (A. Davison and D. Hinkley, Bootstrap Methods and their Application,
 * 1997, section 4.2). Null without values.
 */
export function pValueOfZero(values: ArrayLike<number>): number | null {
  if (values.length === 0) return null;
  let atMost = 1;
  let atLeast = 1;
  for (const value of Array.from(values)) {
    if (value <= 0) atMost += 1;
    if (value >= 0) atLeast += 1;
  }
  return Math.min(1, (2 * Math.min(atMost, atLeast)) / (values.length + 1));
}
