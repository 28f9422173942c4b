/** A curve through measured points, with straight lines between neighbours in cost. */
import { invariant } from '../../core/invariant.ts';
import type { Place } from './curve-point.ts';

/** Points of equal cost, at their mean accuracy. */
interface Knot extends Place {
  /** The indices of the given places at this knot. */
  readonly members: readonly number[];
}

/** In order of rising cost; at least one knot. */
export type Polyline = readonly Knot[];

export function polyline(places: readonly Place[]): Polyline {
  invariant(places.length > 0, 'a curve has no point');
  const order = places.map((_, index) => index);
  const costOf = (index: number): number => (places[index] as Place).cost;
  order.sort((first, second) => costOf(first) - costOf(second));
  const knots: { cost: number; accuracy: number; members: number[] }[] = [];
  for (const index of order) {
    const { cost, accuracy } = places[index] as Place;
    const last = knots.at(-1);
    if (last === undefined || last.cost !== cost) {
      knots.push({ cost, accuracy, members: [index] });
      continue;
    }
    last.members.push(index);
    last.accuracy += (accuracy - last.accuracy) / last.members.length;
  }
  return knots;
}

/** The knots around a cost, and its fraction of the way from `left` to `right`, in [0, 1]. */
export interface Spot {
  readonly left: Knot;
  readonly right: Knot;
  readonly part: number;
}

/** The spot of a cost. Costs beyond an end of the curve take that end. */
export function spotAt(curve: Polyline, cost: number): Spot {
  const after = curve.findIndex((knot) => knot.cost > cost);
  const left = curve.at(after < 0 ? -1 : Math.max(0, after - 1)) as Knot;
  const right = after <= 0 ? left : (curve[after] as Knot);
  if (after === 0) return { left, right, part: 0 };
  return { left, right, part: left === right ? 0 : (cost - left.cost) / (right.cost - left.cost) };
}

export function accuracyAt(curve: Polyline, cost: number): number {
  const { left, right, part } = spotAt(curve, cost);
  return left.accuracy + part * (right.accuracy - left.accuracy);
}

/** Accuracies are sums of weights; equal ones may differ by this much. */
const ROUNDING = 1e-12;

/** The lowest cost at which the curve is at or above an accuracy; null if it never is. */
export function firstCostAt(curve: Polyline, accuracy: number): number | null {
  for (const [index, knot] of curve.entries()) {
    if (knot.accuracy < accuracy - ROUNDING) continue;
    const before = curve[index - 1];
    if (before === undefined) return knot.cost;
    const part = (accuracy - before.accuracy) / (knot.accuracy - before.accuracy);
    return before.cost + Math.min(1, part) * (knot.cost - before.cost);
  }
  return null;
}
