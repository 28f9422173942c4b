/**
 * The cost of a forward on this machine by its number of rows. On a GPU eight rows cost about as much
 * as one; on two CPU cores four rows of a 1.5B model cost as much as three. Every method that trades
 * rows for forwards (above all speculation) asks this curve instead of assuming.
 */

/** Measured points by ascending row count. The first point is for one row. */
export interface CostCurve {
  readonly points: readonly { readonly rowCount: number; readonly ms: number }[];
}

/** Milliseconds of one forward with `rowCount` rows: linear between points, and beyond the last. */
export function forwardMs(curve: CostCurve, rowCount: number): number {
  const { points } = curve;
  const first = points[0];
  if (first === undefined) return Number.POSITIVE_INFINITY;
  let below = first;
  for (const point of points) {
    if (point.rowCount >= rowCount) return between(below, point, rowCount);
    below = point;
  }
  const last = points[points.length - 2] ?? first;
  return points.length === 1 ? below.ms : between(last, below, rowCount);
}

interface Point {
  readonly rowCount: number;
  readonly ms: number;
}

function between(a: Point, b: Point, rowCount: number): number {
  if (a.rowCount === b.rowCount) return b.ms;
  return a.ms + ((b.ms - a.ms) * (rowCount - a.rowCount)) / (b.rowCount - a.rowCount);
}

/** The curves of a pair; null for a missing model. */
export interface StepCosts {
  readonly small: CostCurve | null;
  readonly large: CostCurve | null;
  /** Of a large model on a server; absent: writing on costs a forward of one row for each token. */
  readonly stream?: StreamCosts | undefined;
}

/** A stream pays the round trip of a call once, and then only its tokens. */
export interface StreamCosts {
  readonly tokenMs: number;
  readonly roundTripMs: number;
}
