/**
 * The part of the accuracy gap between the two models that a strategy recovers, and its cost (I.
 * Ong et al., "RouteLLM", arXiv 2406.18665, section 4.1). All results are null where the large
 * model is not better, or costs no more.
 */
import type { Place } from './curve-point.ts';
import { accuracyAt, firstCostAt, polyline } from './polyline.ts';

export interface AnchorPlaces {
  readonly small: Place;
  readonly large: Place;
}

/** Performance gap recovered: (accuracy - small) / (large - small), not clipped. */
export function gapRecovered(accuracy: number, { small, large }: AnchorPlaces): number | null {
  const gap = large.accuracy - small.accuracy;
  return gap > 0 ? (accuracy - small.accuracy) / gap : null;
}

/** The number of equal intervals of the average, each with its value at the midpoint. */
const GRID_COUNT = 100;

/**
 * Average performance gap recovered: the mean of `gapRecovered` at evenly spaced costs from the
 * small model's to the large one's, interpolated between points and anchors. It is 0.5 for a router
 * that sends questions at random. Points beyond the costs of the anchors do not count.
 */
export function apgr(points: readonly Place[], anchors: AnchorPlaces): number | null {
  const from = anchors.small.cost;
  const width = anchors.large.cost - from;
  if (!(width > 0)) return null;
  const curve = polyline([anchors.small, ...points, anchors.large]);
  let sum = 0;
  for (let part = 0; part < GRID_COUNT; part += 1) {
    sum += accuracyAt(curve, from + ((part + 0.5) / GRID_COUNT) * width);
  }
  return gapRecovered(sum / GRID_COUNT, anchors);
}

/**
 * Call-performance threshold: the lowest cost at which the curve, anchors included, recovers
 * `quality` of the gap. It is null if the curve never does, which takes a quality above 1 or a
 * worse point at the large model's cost.
 */
export function cpt(
  points: readonly Place[],
  anchors: AnchorPlaces,
  quality: number,
): number | null {
  const { small, large } = anchors;
  const gap = large.accuracy - small.accuracy;
  if (!(gap > 0) || !(large.cost > small.cost)) return null;
  return firstCostAt(polyline([small, ...points, large]), small.accuracy + quality * gap);
}
