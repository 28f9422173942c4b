/** One point over all questions: its accuracy with an interval, and all its costs. */
import type { Estimate, PointResult } from '../results.ts';
import { estimateDifference, estimateShare } from '../screening/estimate-mean.ts';
import { type SampleDesign, weightedSum } from '../screening/sample-design.ts';
import { NORMAL_975 } from '../statistics/interval.ts';
import { answerBill, isBilled } from './answer-bill.ts';
import type { PlannedPoint } from './evaluation-plan.ts';
import type { AnswerRun } from './point-runs.ts';

export interface PointRuns {
  readonly point: PlannedPoint;
  /** In the order of the sample design. */
  readonly runs: readonly AnswerRun[];
}

export interface PointContext {
  readonly design: SampleDesign;
  /** The large model alone on the same questions. */
  readonly largeRuns: readonly AnswerRun[];
  readonly profileNames: readonly string[];
}

/** A result without the values that depend on all points. */
export type LonePointResult = Omit<PointResult, 'gapRecovered' | 'isOnFront'>;

export function pointResult({ point, runs }: PointRuns, context: PointContext): LonePointResult {
  const { design, largeRuns, profileNames } = context;
  const mean = (pick: (run: AnswerRun) => number): number =>
    weightedSum(design.weights, runs.map(pick));
  const ratio = (pick: (run: AnswerRun) => number): number =>
    mean(pick) / weightedSum(design.weights, largeRuns.map(pick));
  const share = (pick: (run: AnswerRun) => number): number =>
    mean(pick) / mean(({ cost }) => cost.tokenCount);
  const [isRight, largeIsRight] = [runs, largeRuns].map((all) =>
    all.map(({ grade }) => Number(grade.isRight)),
  ) as [number[], number[]];
  const accuracy = estimateShare(design, isRight);
  const { method, threshold, seed, predictedShare } = point;
  return {
    strategy: method.name,
    unit: method.unit,
    controlOf: method.controlOf,
    threshold,
    seed,
    n: design.questionCount,
    answeredCount: runs.length,
    accuracy: accuracy.value,
    accuracyLow: accuracy.low,
    accuracyHigh: accuracy.high,
    overLarge: runs === largeRuns ? NO_DIFFERENCE : overLarge(design, isRight, largeIsRight),
    tokenCount: mean(({ cost }) => cost.tokenCount),
    largeShare: share(({ cost }) => cost.largeShare * cost.tokenCount),
    verifiedShare: share(({ cost }) => cost.verifiedShare * cost.tokenCount),
    ...stepsOf(runs, mean),
    transmittedShare:
      method.unit === 'draft'
        ? share(({ cost }) => (cost.largeShare + cost.verifiedShare) * cost.tokenCount)
        : null,
    predictedShare,
    largeForwards: Math.round(design.questionCount * mean(({ cost }) => cost.largeForwards)),
    weightTrafficRatio: ratio(({ cost }) => cost.weightTrafficBytes),
    writtenFlopsRatio: ratio(({ cost }) => cost.writtenFlops),
    generatedFlopsRatio: ratio(({ cost }) => cost.generatedFlops),
    processedFlopsRatio: ratio(({ cost }) => cost.processedFlops),
    bill: largeRuns.some(isBilled) ? answerBill(mean) : null,
    timeRatios: Object.fromEntries(
      profileNames.map((name) => [name, ratio(({ timesMs }) => timesMs[name] ?? 0)]),
    ),
  };
}

/** Of the large model to itself. */
const NO_DIFFERENCE: Estimate = { value: 0, low: 0, high: 0 };

/**
 * Where hardly any question differs, the interval is as wide as if one did: without any, its variance
 * would be 0, as if the two could never differ.
 */
function overLarge(
  design: SampleDesign,
  own: readonly number[],
  large: readonly number[],
): Estimate {
  const { value, low, high } = estimateDifference(design, own, large);
  const reach = NORMAL_975 / design.questionCount;
  return {
    value,
    low: Math.max(-1, Math.min(low, value - reach)),
    high: Math.min(1, Math.max(high, value + reach)),
  };
}

/** Steps over all answers, as the tokens of the large share: long answers count more. */
function stepsOf(
  runs: readonly AnswerRun[],
  mean: (pick: (run: AnswerRun) => number) => number,
): Pick<PointResult, 'stepCount' | 'rejectedShare'> {
  if (runs.some(({ cost }) => cost.stepCount === null)) {
    return { stepCount: null, rejectedShare: null };
  }
  const stepCount = mean(({ cost }) => cost.stepCount ?? 0);
  const rejected = mean(({ cost }) => (cost.rejectedShare ?? 0) * (cost.stepCount ?? 0));
  return { stepCount, rejectedShare: stepCount === 0 ? 0 : rejected / stepCount };
}
