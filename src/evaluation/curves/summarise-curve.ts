/** A strategy's curve in a few numbers, with their intervals. */
import type { CostAxis, CurveSummary, Estimate } from '../results.ts';
import { intervalOf, type Replicates } from '../statistics/bootstrap.ts';
import { type Anchors, type CurvePoint, type Place, placeOf } from './curve-point.ts';
import { type AnchorPlaces, apgr, cpt } from './gap-recovered.ts';

export interface Curve {
  readonly axis: CostAxis;
  /** One point per threshold. */
  readonly points: readonly CurvePoint[];
  readonly anchors: Anchors;
}

/**
 * Points and anchors are resampled together, costs included. The interval is null where the large
 * model is not better in more than 2.5 % of the replicates: a ratio to a gap that may be 0 has no
 * bounds. Strata without variation get no credit (see `estimateMean`): among many points they are
 * rare.
 *
 * A curve without a point that costs less than the large model has no values: the line between the two
 * models is not its own.
 */
export function summariseCurve(curve: Curve, replicates: Replicates): CurveSummary {
  const placesAt = (weights: Float64Array): Places => ({
    points: curve.points.map((point) => placeOf(point, weights)),
    anchors: anchorPlaces(curve.anchors, weights),
  });
  const own = placesAt(replicates.design.weights);
  const isOnAxis = own.points.some(({ cost }) => cost < own.anchors.large.cost);
  const drawn = replicates.weights.map(placesAt);
  const estimate = (statistic: (places: Places) => number | null): Estimate => {
    const value = isOnAxis ? statistic(own) : null;
    const interval = value === null ? null : intervalOf(drawn.map(statistic));
    return { value, low: interval?.low ?? null, high: interval?.high ?? null };
  };
  const cptOf = (quality: number): Estimate =>
    estimate(({ points, anchors }) => cpt(points, anchors, quality));
  return {
    axis: curve.axis,
    apgr: estimate(({ points, anchors }) => apgr(points, anchors)),
    cpt50: cptOf(0.5),
    cpt80: cptOf(0.8),
    cpt95: cptOf(0.95),
  };
}

interface Places {
  readonly points: readonly Place[];
  readonly anchors: AnchorPlaces;
}

export function anchorPlaces({ small, large }: Anchors, weights: Float64Array): AnchorPlaces {
  return { small: placeOf(small, weights), large: placeOf(large, weights) };
}
