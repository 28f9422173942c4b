/** The points of strategies as curves against a cost, averaged over seeds. */
import { choosesModels, type Method } from '../../strategy/method.ts';
import { type CurvePoint, type CurveRun, curvePoint } from '../curves/curve-point.ts';
import type { Curve } from '../curves/summarise-curve.ts';
import type { CostAxis } from '../results.ts';
import type { PointRuns } from './point-result.ts';
import type { AnswerRun } from './point-runs.ts';

/** The share that a method's threshold decides: of transmitted drafts, or of large tokens. */
export function shareAxisOf({ unit }: Pick<Method, 'unit'>): CostAxis {
  return unit === 'draft' ? 'transmittedShare' : 'largeShare';
}

const FACES = {
  writtenFlopsRatio: 'writtenFlops',
  generatedFlopsRatio: 'generatedFlops',
  weightTrafficRatio: 'weightTrafficBytes',
} as const;

/** The curves by strategy, for strategies whose threshold decides how much the large model writes. */
export function curvesOf(
  all: readonly PointRuns[],
  alone: { readonly small: readonly AnswerRun[]; readonly large: readonly AnswerRun[] },
  axisOf: CostAxis | ((method: Method) => CostAxis),
): ReadonlyMap<string, Curve> {
  const names = new Set(all.map(({ point }) => point.method.name));
  const curves = new Map<string, Curve>();
  for (const name of names) {
    const own = all.filter(
      ({ point: { method, threshold } }) =>
        method.name === name && threshold !== null && choosesModels(method),
    );
    const [first] = own;
    if (first === undefined) continue;
    const axis = typeof axisOf === 'string' ? axisOf : axisOf(first.point.method);
    const run = (runs: readonly AnswerRun[]): CurveRun => curveRun(runs, alone.large, axis);
    const anchors = {
      small: curvePoint(null, [run(alone.small)]),
      large: curvePoint(null, [run(alone.large)]),
    };
    const thresholds = new Set(own.map(({ point }) => point.threshold));
    const points = [...thresholds].map((threshold): CurvePoint => {
      const seeds = own.filter(({ point }) => point.threshold === threshold);
      return curvePoint(
        threshold,
        seeds.map(({ runs }) => run(runs)),
      );
    });
    curves.set(name, { axis, points, anchors });
  }
  return curves;
}

function curveRun(
  runs: readonly AnswerRun[],
  largeRuns: readonly AnswerRun[],
  axis: CostAxis,
): CurveRun {
  const isRight = runs.map(({ grade }) => grade.isRight);
  if (axis === 'largeShare' || axis === 'transmittedShare') {
    const shareOf = ({ cost }: AnswerRun): number =>
      cost.largeShare + (axis === 'transmittedShare' ? cost.verifiedShare : 0);
    return {
      isRight,
      costNumerator: runs.map((run) => shareOf(run) * run.cost.tokenCount),
      costDenominator: runs.map(({ cost }) => cost.tokenCount),
    };
  }
  const face = FACES[axis];
  const pick = ({ cost }: AnswerRun): number => cost[face];
  return { isRight, costNumerator: runs.map(pick), costDenominator: largeRuns.map(pick) };
}
