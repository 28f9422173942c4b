/**
 * Chooses the shares of a curve's points, so that they reach over the interval in which curves are
 * compared. Only shares decide, never answers: points that are put where a curve rises are chosen by
 * outcome. Pure.
 */
import { brackets, POINTS_MIN, relevantCount } from '../curves/interval-mean.ts';
import type { ShareInterval } from '../curves/share-interval.ts';

/** A point of a curve: the share that was asked for, and where it lies on the axis of comparison. */
export interface SharePoint {
  readonly asked: number;
  readonly measured: number;
}

/** How far the first points reach beyond the interval: measured shares differ from those asked for. */
const BELOW = 1 / 2;
const ABOVE = 3 / 2;

/** Shares that are asked for differ by this factor: closer ones give the same thresholds. */
const ASKED_RATIO_MIN = 1.02;

/** Thresholds of random methods are shares, and people read them. */
const DIGITS = 3;

/** Evenly spaced on a logarithmic scale, from below the interval to above it. */
export function firstShares({ low, high }: ShareInterval, count: number): readonly number[] {
  const from = low * BELOW;
  const to = Math.min(high * ABOVE, (1 + high) / 2);
  if (count === 1) return [rounded(Math.sqrt(low * high))];
  return Array.from({ length: count }, (_, step) =>
    rounded(from * (to / from) ** (step / (count - 1))),
  );
}

/**
 * The next share to ask for.
 * @param points at least one
 * @returns null where the measured shares reach over the interval and are enough
 */
export function nextShare(points: readonly SharePoint[], interval: ShareInterval): number | null {
  const { low, high } = interval;
  const measured = points.map((point) => point.measured);
  const asked = points.map((point) => point.asked);
  if (!measured.some((share) => share <= low)) return rounded(Math.min(...asked) / 2);
  if (!measured.some((share) => share >= high)) return rounded((1 + Math.max(...asked)) / 2);
  if (brackets(measured, interval) && relevantCount(measured, interval) >= POINTS_MIN) return null;
  const [widest] = stretches(points, interval).sort((a, b) => b.width - a.width);
  return widest === undefined ? null : rounded(Math.sqrt(widest.from * widest.to));
}

/** The stretches between neighbours inside the interval, by the shares that were asked for. */
function stretches(points: readonly SharePoint[], { low, high }: ShareInterval) {
  const order = [...points].sort((a, b) => a.measured - b.measured || a.asked - b.asked);
  const logOf = (share: number): number => Math.log(Math.min(high, Math.max(low, share)));
  return order.slice(1).flatMap((right, index) => {
    const left = order[index];
    if (left === undefined || right.asked < left.asked * ASKED_RATIO_MIN) return [];
    const width = logOf(right.measured) - logOf(left.measured);
    return [{ from: left.asked, to: right.asked, width }];
  });
}

function rounded(share: number): number {
  return Number(share.toPrecision(DIGITS));
}
