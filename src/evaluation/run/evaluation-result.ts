/**
 * The result of an evaluation, computed from its answers alone: equal answers give equal results.
 */

import { MODEL_LABELS } from '../../core/model-id.ts';
import type { Method } from '../../strategy/method.ts';
import { compareCurves } from '../curves/compare-curves.ts';
import { gapRecovered } from '../curves/gap-recovered.ts';
import { type IntervalMean, intervalMean, lackOf } from '../curves/interval-mean.ts';
import { paretoFront } from '../curves/pareto-front.ts';
import type { ShareInterval } from '../curves/share-interval.ts';
import { type Curve, summariseCurve } from '../curves/summarise-curve.ts';
import type {
  Comparison,
  CostAxis,
  CurveLack,
  CurveSummary,
  Estimate,
  EvaluationResult,
  GateEvidence,
  PointResult,
  ResultModels,
} from '../results.ts';
import { RESULT_VERSION } from '../results.ts';
import { fullDesign } from '../screening/sample-design.ts';
import { drawReplicates, REPLICATE_COUNT, type Replicates } from '../statistics/bootstrap.ts';
import { gateEvidence } from '../statistics/gate-evidence.ts';
import { curvesOf, shareAxisOf } from './curves-of.ts';
import { discordantExamples } from './discordant-examples.ts';
import { type EvaluationPair, nameAndDigest } from './evaluation-pair.ts';
import { LARGE_ALONE, SMALL_ALONE } from './evaluation-plan.ts';
import { optionsByStrategy } from './given-options.ts';
import { comparedWith, methodPairs, sharesTellCosts } from './method-pairs.ts';
import { modelsGap } from './models-gap.ts';
import { type LonePointResult, type PointRuns, pointResult } from './point-result.ts';
import { type AnswerRun, type RunFacts, runsOf } from './point-runs.ts';
import type { EvaluatedAnswers } from './run-evaluation.ts';
import { stepAcceptance } from './step-acceptance.ts';

export interface ResultOptions {
  readonly task: string;
  readonly facts: RunFacts;
  readonly isScreened: boolean;
  /** The temperature of the answers; default 0. */
  readonly temperature?: number | undefined;
  /** The options that strategies were built with; default: none were given. */
  readonly strategyOptions?: EvaluationPair['strategyOptions'];
  /** The number of bootstrap replicates; default: REPLICATE_COUNT. */
  readonly replicateCount?: number | undefined;
}

const REPLICATE_SEED = 1;

export function evaluationResult(
  answers: EvaluatedAnswers,
  options: ResultOptions,
): EvaluationResult {
  const { store, questions, chosen, design, points, interval } = answers;
  const { facts } = options;
  const profileNames = facts.profiles.map(({ name }) => name);
  const runs = (point: PointRuns['point'], of = chosen): PointRuns => ({
    point,
    runs: runsOf(point, of, store, facts),
  });
  const [small, large] = [SMALL_ALONE, LARGE_ALONE].map((point) => ({
    ...point,
    predictedShare: null,
  })) as [PointRuns['point'], PointRuns['point']];
  const alone = { small: runs(small).runs, large: runs(large).runs };
  const all = points.map((point) => runs(point));
  const smallOfAll = runs(small, questions);
  const largeOfAll = runs(large, questions);
  const ofAll = {
    design: fullDesign(questions.length),
    largeRuns: largeOfAll.runs,
    profileNames,
  };
  const ofChosen = { design, largeRuns: alone.large, profileNames };
  const lone = [
    pointResult(smallOfAll, ofAll),
    pointResult(largeOfAll, ofAll),
    ...all.map((one) => pointResult(one, ofChosen)),
  ];
  const results = withFront(lone);
  const replicates = drawReplicates(design, {
    seed: REPLICATE_SEED,
    count: options.replicateCount ?? REPLICATE_COUNT,
  });
  const compared = { interval, replicates };
  const byShare = curvesOf(all, alone, shareAxisOf);
  const byFlops = curvesOf(all, alone, 'generatedFlopsRatio');
  const byTraffic = curvesOf(all, alone, 'weightTrafficRatio');
  const methods = [...new Set(points.map(({ method }) => method))];
  const scoring = all.filter((one) => one.point.threshold !== null && scoresTokens(one));
  const scored = new Set(scoring.map(({ point }) => point.method.name));
  const byWritten: Curves =
    scored.size === 0 ? new Map() : curvesOf(all, alone, 'writtenFlopsRatio');
  return {
    version: RESULT_VERSION,
    task: options.task,
    questionCount: questions.length,
    isScreened: options.isScreened,
    models: resultModels(facts),
    maxTokens: facts.maxTokens,
    temperature: options.temperature ?? 0,
    options: optionsByStrategy(methods, options),
    gap: modelsGap(smallOfAll.runs, largeOfAll.runs),
    results,
    summary: summaries(byShare, replicates),
    summaryByFlops: summaries(byFlops, replicates),
    summaryByWrittenFlops: summaries(
      new Map([...byWritten].filter(([name]) => scored.has(name))),
      replicates,
    ),
    summaryByTraffic: summaries(byTraffic, replicates),
    interval,
    comparisons: comparisons(methods, { byShare, byCost: byFlops }, compared),
    comparisonsByWrittenFlops: comparisons(methods, atEqual(byWritten), compared).filter(
      ({ strategy, other }) => scored.has(strategy) || scored.has(other),
    ),
    comparisonsByTraffic: comparisons(methods, atEqual(byTraffic), compared),
    gates: gates(answers),
    stepAcceptance: stepAcceptance(points, answers, alone.small),
    examples: discordantExamples(
      [
        { point: small, runs: alone.small },
        { point: large, runs: alone.large },
        ...shownPoints(all, results),
      ],
      store,
    ),
  };
}

function resultModels(facts: RunFacts): ResultModels {
  const others = MODEL_LABELS.filter((label) => facts.labels[label] !== undefined);
  return {
    ...Object.fromEntries(others.map((label) => [label, nameAndDigest(facts, label)])),
    ...{ small: nameAndDigest(facts, 'small'), large: nameAndDigest(facts, 'large') },
  };
}

/** Adds the values that depend on all points. */
function withFront(lone: readonly LonePointResult[]): readonly PointResult[] {
  const place = ({ accuracy, weightTrafficRatio }: LonePointResult) => {
    return { accuracy, cost: weightTrafficRatio };
  };
  const [small, large] = lone as [LonePointResult, LonePointResult];
  const anchors = { small: place(small), large: place(large) };
  const isOnFront = paretoFront(lone.map(place));
  return lone.map((result, index) => ({
    ...result,
    gapRecovered: gapRecovered(result.accuracy, anchors),
    isOnFront: isOnFront[index] === true,
  }));
}

function summaries(
  curves: ReadonlyMap<string, Curve>,
  replicates: Replicates,
): Readonly<Record<string, CurveSummary>> {
  return Object.fromEntries(
    [...curves].map(([name, curve]) => [name, summariseCurve(curve, replicates)]),
  );
}

type Curves = ReadonlyMap<string, Curve>;

/** The curves for pairs that a share of tokens compares, and those for all other pairs. */
interface ComparedCurves {
  readonly byShare: Curves;
  readonly byCost: Curves;
}

function atEqual(byCost: Curves): ComparedCurves {
  return { byShare: byCost, byCost };
}

/** Whether a model reads tokens of the other one, so that written and generated FLOPs differ. */
function scoresTokens({ runs }: { readonly runs: readonly AnswerRun[] }): boolean {
  return runs.some(({ cost }) => cost.writtenFlops !== cost.generatedFlops);
}

interface Compared {
  readonly interval: ShareInterval;
  readonly replicates: Replicates;
}

/** Compares all pairs of methods once, except two random controls. */
function comparisons(
  methods: readonly Method[],
  curves: ComparedCurves,
  compared: Compared,
): readonly Comparison[] {
  const byShare = standings(curves.byShare, compared);
  const byCost = curves.byShare === curves.byCost ? byShare : standings(curves.byCost, compared);
  return methodPairs(methods).flatMap(([method, other]) => {
    const shown = sharesTellCosts(method, other) ? byShare : byCost;
    const [own, others] = [shown.get(method.name), shown.get(other.name)];
    if (own === undefined || others === undefined) return [];
    const { design } = compared.replicates;
    const isWhole = own.mean !== null && others.mean !== null;
    return [
      {
        strategy: method.name,
        other: other.name,
        otherIs: comparedWith(method, other),
        axis: own.axis,
        difference: isWhole ? compareCurves(own.mean, others.mean, design) : NO_ESTIMATE,
        lacks: [own, others].flatMap(({ lack }) => lack ?? []),
      },
    ];
  });
}

const NO_ESTIMATE: Estimate = { value: null, low: null, high: null };

/** A curve's mean over the interval, or what it lacks. */
interface Standing {
  readonly axis: CostAxis;
  readonly mean: IntervalMean | null;
  readonly lack: CurveLack | null;
}

function standings(
  curves: Curves,
  { interval, replicates }: Compared,
): ReadonlyMap<string, Standing> {
  return new Map(
    [...curves].map(([name, curve]) => {
      const lack = lackOf(name, curve, interval, replicates.design.weights);
      const mean = lack === null ? intervalMean(curve, interval, replicates) : null;
      return [name, { axis: curve.axis, mean, lack }];
    }),
  );
}

function gates({ evidence, design, gates }: EvaluatedAnswers): readonly GateEvidence[] {
  // A question's tokens count for all questions that it represents: once where all were run.
  const standsFor = design.weights.map((weight) => weight * design.questionCount);
  return gates.map(({ name, deferralSide }) => {
    const tokens = evidence.flatMap(({ differs, scores }, index) =>
      (scores[name] ?? []).map((score, at) => ({
        score,
        differs: differs[at] === '1',
        weight: standsFor[index] ?? 0,
      })),
    );
    return gateEvidence(name, tokens, deferralSide);
  });
}

/** The recovered part of the gap at which examples show a strategy: enough to see its effect. */
const SHOWN_GAP = 0.8;

/** The point of each strategy whose recovered gap is closest to `SHOWN_GAP`. */
function shownPoints(
  all: readonly PointRuns[],
  results: readonly PointResult[],
): readonly PointRuns[] {
  const best = new Map<Method, { readonly one: PointRuns; readonly distance: number }>();
  for (const [index, one] of all.entries()) {
    // The two models alone come first among the results.
    const gap = results[index + 2]?.gapRecovered ?? 1;
    const distance = Math.abs(gap - SHOWN_GAP);
    const known = best.get(one.point.method);
    if (known === undefined || distance < known.distance) {
      best.set(one.point.method, { one, distance });
    }
  }
  return [...best.values()].map(({ one }) => one);
}
