/**
 * Compares two strategies: the difference of their mean accuracies over a fixed interval of costs.
 * The interval is fixed before any answer is looked at, and all points that lie in it or next to it
 * count, so no outcome decides what is compared. Both curves are resampled together. The difference
 * of B and A is exactly minus that of A and B.
 */
import type { Estimate } from '../results.ts';
import { unseenVariance } from '../screening/estimate-mean.ts';
import type { SampleDesign } from '../screening/sample-design.ts';
import { NORMAL_975 } from '../statistics/interval.ts';
import { quantileInterval } from '../statistics/quantile-interval.ts';
import type { IntervalMean } from './interval-mean.ts';

/**
 * Strata of the sample in which the curves do not differ get the variance that `estimateMean` credits
 * to such strata: it is independent of the variation seen, so the distances of both bounds from the
 * value grow by its reach as the sides of a right triangle.
 */
export function compareCurves(
  own: IntervalMean,
  other: IntervalMean,
  design: SampleDesign,
): Estimate {
  const value = own.value - other.value;
  const interval = quantileInterval(minus(own.replicated, other.replicated));
  if (interval === null) return { value, low: null, high: null };
  const unseen = unseenVariance(design, minus(own.perQuestion, other.perQuestion));
  const reach = NORMAL_975 * Math.sqrt(unseen);
  const widened = (bound: number): number =>
    bound + Math.sign(bound - value) * (Math.hypot(bound - value, reach) - Math.abs(bound - value));
  return {
    value,
    low: Math.max(-1, Math.min(interval.low, widened(interval.low))),
    high: Math.min(1, Math.max(interval.high, widened(interval.high))),
  };
}

function minus(first: Float64Array, second: Float64Array): Float64Array {
  return first.map((value, index) => value - (second[index] as number));
}
