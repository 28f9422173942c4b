/** The points of strategies as curves against a cost, averaged over seeds. */
import { choosesModels } from '../../strategy/method.ts';
import { type CurvePoint, type CurveRun, curvePoint } from '../curves/curve-point.ts';
import type { Curve } from '../curves/summarise-curve.ts';
import type { CostAxis } from '../results.ts';
import type { PointRuns } from './point-result.ts';
import type { AnswerRun } from './point-runs.ts';

/** The axes whose cost follows from an answer's own events. */
export type MeasuredAxis = Exclude<CostAxis, 'transmittedShare'>;

const FACES = {
  writtenFlopsRatio: 'writtenFlops',
  generatedFlopsRatio: 'generatedFlops',
  weightTrafficRatio: 'weightTrafficBytes',
} as const;

/** The curves by strategy, for strategies whose threshold decides how much the large model writes. */
export function curvesOf(
  all: readonly PointRuns[],
  alone: { readonly small: readonly AnswerRun[]; readonly large: readonly AnswerRun[] },
  axis: MeasuredAxis,
): ReadonlyMap<string, Curve> {
  const run = (runs: readonly AnswerRun[]): CurveRun => curveRun(runs, alone.large, axis);
  const anchors = {
    small: curvePoint(null, [run(alone.small)]),
    large: curvePoint(null, [run(alone.large)]),
  };
  const names = new Set(all.map(({ point }) => point.method.name));
  const curves = new Map<string, Curve>();
  for (const name of names) {
    const own = all.filter(
      ({ point: { method, threshold } }) =>
        method.name === name && threshold !== null && choosesModels(method),
    );
    const thresholds = new Set(own.map(({ point }) => point.threshold));
    const points = [...thresholds].map((threshold): CurvePoint => {
      const seeds = own.filter(({ point }) => point.threshold === threshold);
      return curvePoint(
        threshold,
        seeds.map(({ runs }) => run(runs)),
      );
    });
    if (points.length > 0) curves.set(name, { axis, points, anchors });
  }
  return curves;
}

function curveRun(
  runs: readonly AnswerRun[],
  largeRuns: readonly AnswerRun[],
  axis: MeasuredAxis,
): CurveRun {
  const isRight = runs.map(({ grade }) => grade.isRight);
  if (axis === 'largeShare') {
    return {
      isRight,
      costNumerator: runs.map(({ cost }) => cost.largeShare * cost.tokenCount),
      costDenominator: runs.map(({ cost }) => cost.tokenCount),
    };
  }
  const face = FACES[axis];
  const pick = ({ cost }: AnswerRun): number => cost[face];
  return { isRight, costNumerator: runs.map(pick), costDenominator: largeRuns.map(pick) };
}
