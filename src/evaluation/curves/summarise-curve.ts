/** A strategy's curve in a few numbers, with the interval of the number that is compared most. */
import type { CostAxis, CurveSummary } from '../results.ts';
import { bootstrap, type Replicates } from '../statistics/bootstrap.ts';
import { type Anchors, type CurvePoint, placeOf } from './curve-point.ts';
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
 */
export function summariseCurve(curve: Curve, replicates: Replicates): CurveSummary {
  const { weights } = replicates.design;
  const anchors = anchorPlaces(curve.anchors, weights);
  const places = curve.points.map((point) => placeOf(point, weights));
  const value = apgr(places, anchors);
  const { interval } = bootstrap(replicates, (drawn) =>
    apgr(
      curve.points.map((point) => placeOf(point, drawn)),
      anchorPlaces(curve.anchors, drawn),
    ),
  );
  return {
    axis: curve.axis,
    apgr: value,
    apgrLow: value === null ? null : (interval?.low ?? null),
    apgrHigh: value === null ? null : (interval?.high ?? null),
    cpt50: cpt(places, anchors, 0.5),
    cpt80: cpt(places, anchors, 0.8),
    cpt95: cpt(places, anchors, 0.95),
  };
}

export function anchorPlaces({ small, large }: Anchors, weights: Float64Array): AnchorPlaces {
  return { small: placeOf(small, weights), large: placeOf(large, weights) };
}
