/** One point over all questions: accuracy with its interval, and every face of its cost. */
import { present } from '../../core/invariant.ts';
import type { ForwardCosts } from '../../cost/forward-costs.ts';
import { predictRun } from '../../cost/predict-run.ts';
import type { PointResult } from '../results.ts';
import { estimateShare } from '../screening/estimate-mean.ts';
import { type SampleDesign, weightedSum } from '../screening/sample-design.ts';
import { eventsOf } from './answer-record.ts';
import { infoOf, type PlannedPoint } from './evaluation-plan.ts';
import { type AnswerRun, type RunFacts, startOf } from './point-runs.ts';

/** Costs of both models' forwards on some machine. */
export interface TimeProfile {
  readonly name: string;
  readonly costs: Readonly<Record<'small' | 'large', ForwardCosts>>;
  /** To the large model; 0 for a local one. */
  readonly roundTripMs: number;
}

export interface PointRuns {
  readonly point: PlannedPoint;
  /** In the order of the sample design. */
  readonly runs: readonly AnswerRun[];
}

export interface PointContext {
  readonly design: SampleDesign;
  /** The large model alone on the same questions. */
  readonly largeRuns: readonly AnswerRun[];
  readonly facts: RunFacts;
  readonly profiles: readonly TimeProfile[];
}

/** A result but for what takes all points to say. */
export type LonePointResult = Omit<PointResult, 'gapRecovered' | 'isOnFront'>;

export function pointResult({ point, runs }: PointRuns, context: PointContext): LonePointResult {
  const { design, largeRuns } = context;
  const mean = (pick: (run: AnswerRun) => number): number =>
    weightedSum(design.weights, runs.map(pick));
  const ratio = (pick: (run: AnswerRun) => number): number =>
    mean(pick) / weightedSum(design.weights, largeRuns.map(pick));
  const share = (pick: (run: AnswerRun) => number): number =>
    mean(pick) / mean(({ cost }) => cost.tokenCount);
  const accuracy = estimateShare(
    design,
    runs.map(({ grade }) => Number(grade.isRight)),
  );
  const { strategy, threshold, seed, predictedShare } = point;
  return {
    strategy,
    unit: infoOf(strategy).unit,
    threshold,
    seed,
    n: design.questionCount,
    answeredCount: runs.length,
    accuracy: accuracy.value,
    accuracyLow: accuracy.low,
    accuracyHigh: accuracy.high,
    tokenCount: mean(({ cost }) => cost.tokenCount),
    largeShare: share(({ cost }) => cost.largeShare * cost.tokenCount),
    verifiedShare: share(({ cost }) => cost.verifiedShare * cost.tokenCount),
    transmittedShare: null,
    predictedShare,
    largeForwards: Math.round(design.questionCount * mean(({ cost }) => cost.largeForwards)),
    weightTrafficRatio: ratio(({ cost }) => cost.weightTrafficBytes),
    generatedFlopsRatio: ratio(({ cost }) => cost.generatedFlops),
    processedFlopsRatio: ratio(({ cost }) => cost.processedFlops),
    timeRatios: Object.fromEntries(
      context.profiles.map((profile) => [profile.name, timeRatio(runs, profile, context)]),
    ),
  };
}

/** Predicted time of the runs to that of the large model alone, each run alone on the machine. */
function timeRatio(
  runs: readonly AnswerRun[],
  profile: TimeProfile,
  context: PointContext,
): number {
  const { design, largeRuns, facts } = context;
  const time = (some: readonly AnswerRun[]): number =>
    weightedSum(
      design.weights,
      some.map((run) => predictedMs(run, profile, facts)),
    );
  return time(runs) / time(largeRuns);
}

function predictedMs({ record }: AnswerRun, profile: TimeProfile, facts: RunFacts): number {
  const [costModel] = infoOf(record.strategy).costModels;
  const run = {
    name: null,
    start: startOf(record, facts),
    events: [...eventsOf(record)],
    summary: null,
  };
  const { roundTripMs } = profile;
  const readsUncertainty = present(costModel, 'every strategy has one').readsUncertainty;
  return predictRun(run, profile.costs, { roundTripMs, readsUncertainty }).ms;
}
