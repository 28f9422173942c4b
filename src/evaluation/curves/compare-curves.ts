/**
 * Compares a strategy with a control at equal cost. For each point of the strategy that recovers 20
 * to 95 % of the gap, the control's accuracy at that cost is interpolated between its two
 * neighbouring points (anchors included). The result is the mean difference over these points. All
 * points answer the same questions and are resampled together.
 */
import type { Comparison, PointPair } from '../results.ts';
import { unseenVariance } from '../screening/estimate-mean.ts';
import { type SampleDesign, weightedSum } from '../screening/sample-design.ts';
import type { Replicates } from '../statistics/bootstrap.ts';
import { mcnemar } from '../statistics/mcnemar.ts';
import { normalNoise } from '../statistics/normal-noise.ts';
import { pValueOfZero, quantileInterval } from '../statistics/quantile-interval.ts';
import { type CurvePoint, placeOf } from './curve-point.ts';
import { gapRecovered } from './gap-recovered.ts';
import { accuracyAt, polyline, spotAt } from './polyline.ts';
import { anchorPlaces, type Curve } from './summarise-curve.ts';

const GAP_LOW = 0.2;
const GAP_HIGH = 0.95;

export interface ComparedCurves {
  readonly strategy: string;
  readonly control: string;
  /** The curves have the same cost axis and the same anchors. */
  readonly strategyCurve: Curve;
  readonly controlPoints: readonly CurvePoint[];
}

/**
 * The points to compare are chosen once, on all questions; costs and neighbours are computed anew
 * in each replicate. For a sampled stratum without any difference, replicates get normal noise with
 * the variance that `estimateMean` credits to such strata.
 */
export function compareCurves(compared: ComparedCurves, replicates: Replicates): Comparison {
  const { strategy, control, strategyCurve, controlPoints } = compared;
  const { design } = replicates;
  const compares = comparedPoints(strategyCurve, design);
  const head = { strategy, control, axis: strategyCurve.axis, pointCount: compares.length };
  if (compares.length === 0) {
    const nothing = { value: null, low: null, high: null };
    return { ...head, difference: nothing, pValue: null, pairs: [] };
  }
  const controls = [strategyCurve.anchors.small, ...controlPoints, strategyCurve.anchors.large];
  const differences = differencePerQuestion(compares, controls, design.weights);
  const spread = Math.sqrt(unseenVariance(design, differences));
  const values = replicates.weights.map(
    (weights, replicate) =>
      meanDifference(compares, controls, weights) +
      (spread > 0 ? spread * normalNoise(replicates.seed, replicate) : 0),
  );
  const interval = quantileInterval(values);
  const value = weightedSum(design.weights, differences);
  return {
    ...head,
    difference: {
      value,
      low: interval === null ? null : Math.max(-1, interval.low),
      high: interval === null ? null : Math.min(1, interval.high),
    },
    pValue: pValueOfZero(values),
    pairs: compares.flatMap((point) => pairOf(point, controlPoints, design) ?? []),
  };
}

function comparedPoints({ points, anchors }: Curve, { weights }: SampleDesign): CurvePoint[] {
  const places = anchorPlaces(anchors, weights);
  return points.filter((point) => {
    const recovered = gapRecovered(placeOf(point, weights).accuracy, places);
    return recovered !== null && recovered >= GAP_LOW && recovered <= GAP_HIGH;
  });
}

function meanDifference(
  points: readonly CurvePoint[],
  controls: readonly CurvePoint[],
  weights: Float64Array,
): number {
  const curve = polyline(controls.map((control) => placeOf(control, weights)));
  let sum = 0;
  for (const point of points) {
    const { cost, accuracy } = placeOf(point, weights);
    sum += accuracy - accuracyAt(curve, cost);
  }
  return sum / points.length;
}

/** The difference per question: its mean under these weights is `meanDifference`. */
function differencePerQuestion(
  points: readonly CurvePoint[],
  controls: readonly CurvePoint[],
  weights: Float64Array,
): Float64Array {
  const curve = polyline(controls.map((control) => placeOf(control, weights)));
  const differences = new Float64Array(weights.length);
  const add = (values: Float64Array, factor: number): void => {
    for (let index = 0; index < differences.length; index += 1) {
      differences[index] = (differences[index] as number) + factor * (values[index] as number);
    }
  };
  for (const point of points) {
    const { left, right, part } = spotAt(curve, placeOf(point, weights).cost);
    add(point.isRight, 1 / points.length);
    for (const [knot, knotPart] of [
      [left, 1 - part],
      [right, part],
    ] as const) {
      const factor = knotPart / (knot.members.length * points.length);
      for (const member of knot.members) add((controls[member] as CurvePoint).isRight, -factor);
    }
  }
  return differences;
}

/**
 * Counts the answered questions, without weights: if neither is better on any kind of question,
 * each discordant one still falls to either side with chance 1/2.
 */
function pairOf(
  point: CurvePoint,
  controlPoints: readonly CurvePoint[],
  { weights }: SampleDesign,
): PointPair | null {
  const { cost } = placeOf(point, weights);
  const places = controlPoints.map((control) => ({ control, at: placeOf(control, weights).cost }));
  places.sort((first, second) => Math.abs(first.at - cost) - Math.abs(second.at - cost));
  const [nearest] = places;
  if (nearest === undefined) return null;
  let onlyStrategyCount = 0;
  let onlyControlCount = 0;
  for (const [index, isRight] of point.isRightFirst.entries()) {
    const isControlRight = nearest.control.isRightFirst[index];
    if (isRight === 1 && isControlRight === 0) onlyStrategyCount += 1;
    if (isRight === 0 && isControlRight === 1) onlyControlCount += 1;
  }
  return {
    threshold: point.threshold,
    controlThreshold: nearest.control.threshold,
    cost,
    controlCost: nearest.at,
    onlyStrategyCount,
    onlyControlCount,
    pValue: mcnemar(onlyStrategyCount, onlyControlCount),
  };
}
