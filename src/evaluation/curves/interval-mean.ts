/**
 * The mean accuracy of a curve over a fixed interval of costs.
 *
 * Costs are measured as shares of the way from the small model's cost to the large one's. The mean
 * is taken over the logarithm of the cost, so that every doubling of the cost counts alike: a linear
 * mean over 2.5 to 40 % would give more than half of its weight to shares above 20 %. (The linear
 * mean over all costs is the APGR.) Between points the curve is a straight line in the cost itself,
 * which a random choice between two thresholds reaches; so points on that line change nothing.
 */
import { invariant } from '../../core/invariant.ts';
import type { CurveLack } from '../results.ts';
import { weightedSum } from '../screening/sample-design.ts';
import type { Replicates } from '../statistics/bootstrap.ts';
import { type CurvePoint, type Place, placeOf } from './curve-point.ts';
import { polyline } from './polyline.ts';
import type { ShareInterval } from './share-interval.ts';
import type { Curve } from './summarise-curve.ts';

/** A mean with its resampled values, and as a mean over questions. */
export interface IntervalMean {
  readonly value: number;
  /** The value in each replicate, with places recomputed from its weights. */
  readonly replicated: Float64Array;
  /** One value per answered question, with the weighted mean `value`. */
  readonly perQuestion: Float64Array;
}

/** The fewest measured points, of those inside the interval and the nearest on either side. */
export const POINTS_MIN = 6;

/**
 * The share of the mean that each place contributes: Σ contribution · accuracy is the mean, and the
 * contributions sum to 1.
 * @param places at least two, with positions that reach over the interval
 */
export function contributions(
  places: readonly Place[],
  { low, high }: ShareInterval,
): Float64Array {
  const knots = polyline(places);
  const parts = new Float64Array(places.length);
  const whole = Math.log(high / low);
  for (const [index, right] of knots.entries()) {
    const left = knots[index - 1];
    if (left === undefined) continue;
    const [from, to] = [Math.max(low, left.cost), Math.min(high, right.cost)];
    if (!(from < to)) continue;
    const length = Math.log(to / from);
    // The integral of (x - left) / (right - left) over d log x.
    const toRight = (to - from - left.cost * length) / (right.cost - left.cost);
    for (const [knot, part] of [
      [left, length - toRight],
      [right, toRight],
    ] as const) {
      for (const member of knot.members) {
        parts[member] = (parts[member] as number) + part / (knot.members.length * whole);
      }
    }
  }
  return parts;
}

/** Null where the large model does not cost more than the small one. */
export function intervalMean(
  curve: Curve,
  interval: ShareInterval,
  { design, weights }: Replicates,
): IntervalMean | null {
  const points = allPoints(curve);
  const mean = meanAt(points, interval, design.weights);
  const replicated = weights.map((drawn) => meanAt(points, interval, drawn)?.value);
  if (mean === null || replicated.includes(undefined)) return null;
  const perQuestion = new Float64Array(design.weights.length);
  for (const [index, { isRight }] of points.entries()) {
    const part = mean.parts[index] as number;
    for (let question = 0; question < perQuestion.length; question += 1) {
      perQuestion[question] =
        (perQuestion[question] as number) + part * (isRight[question] as number);
    }
  }
  return { value: mean.value, replicated: Float64Array.from(replicated as number[]), perQuestion };
}

/** The points of a curve between its anchors. */
function allPoints({ points, anchors }: Curve): readonly CurvePoint[] {
  return [anchors.small, ...points, anchors.large];
}

function meanAt(
  points: readonly CurvePoint[],
  interval: ShareInterval,
  weights: Float64Array,
): { readonly value: number; readonly parts: Float64Array } | null {
  const places = positions(points.map((point) => placeOf(point, weights)));
  if (places === null) return null;
  const parts = contributions(places, interval);
  return {
    value: weightedSum(
      parts,
      places.map(({ accuracy }) => accuracy),
    ),
    parts,
  };
}

/** Places with the share of the way between the first and the last one as their cost. */
function positions(places: readonly Place[]): readonly Place[] | null {
  const [small, large] = [places[0], places.at(-1)];
  invariant(small !== undefined && large !== undefined, 'a curve has anchors');
  const way = large.cost - small.cost;
  if (!(way > 0)) return null;
  return places.map(({ cost, accuracy }) => ({ cost: (cost - small.cost) / way, accuracy }));
}

/** What a curve lacks to be compared; null: nothing. */
export function lackOf(
  strategy: string,
  curve: Curve,
  interval: ShareInterval,
  weights: Float64Array,
): CurveLack | null {
  const places = positions(allPoints(curve).map((point) => placeOf(point, weights)));
  if (places === null) return { strategy, pointCount: 0, from: null, to: null };
  const measured = places.slice(1, -1).map(({ cost }) => cost);
  const pointCount = relevantCount(measured, interval);
  if (brackets(measured, interval) && pointCount >= POINTS_MIN) return null;
  return { strategy, pointCount, from: Math.min(...measured), to: Math.max(...measured) };
}

/** Whether the costs reach from below the interval to above it. */
export function brackets(costs: readonly number[], { low, high }: ShareInterval): boolean {
  return costs.some((cost) => cost <= low) && costs.some((cost) => cost >= high);
}

/** The number of costs inside the interval, and of the nearest on either side. */
export function relevantCount(costs: readonly number[], { low, high }: ShareInterval): number {
  const inside = costs.filter((cost) => cost > low && cost < high).length;
  return inside + Number(costs.some((c) => c <= low)) + Number(costs.some((c) => c >= high));
}
