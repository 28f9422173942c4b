/**
 * The result of an evaluation: the object that `eval --json` prints and `report` draws. Shares,
 * accuracies and ratios are fractions; ratios are to the large model alone, measured on the same
 * questions. Intervals hold 95 %.
 */
import type { Origin } from '../core/events.ts';
import type { ModelLabel, ModelRole } from '../core/model-id.ts';
import type { Unit } from '../strategy/method.ts';
import type { ShareInterval } from './curves/share-interval.ts';

/** The cost axis of a curve. */
export type CostAxis =
  | 'largeShare'
  | 'transmittedShare'
  | 'writtenFlopsRatio'
  | 'generatedFlopsRatio'
  | 'weightTrafficRatio';

/** What a server bills for an answer on average, and the bytes of its calls. */
export interface AnswerBill {
  readonly callCount: number;
  /** Input tokens of all calls: an API that keeps no prefix bills all of them. */
  readonly inputCount: number;
  /** Those that its cache did not hold. What it held at the first call, of earlier answers, counts. */
  readonly newInputCount: number;
  readonly outputCount: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** One strategy at one threshold with one seed, over all questions. */
export interface PointResult {
  readonly strategy: string;
  readonly unit: Unit | null;
  /** For a random control: the unit of the methods that have to beat it. */
  readonly controlOf: Unit | null;
  readonly threshold: number | null;
  readonly seed: number;
  /** The number of questions that it represents. */
  readonly n: number;
  /** The number of answered questions: fewer than `n` after screening. */
  readonly answeredCount: number;
  readonly accuracy: number;
  readonly accuracyLow: number;
  readonly accuracyHigh: number;
  /**
   * Its accuracy minus that of the large model alone, paired over the questions. Empty in results of
   * earlier versions.
   */
  readonly overLarge: Estimate;
  /** The mean number of tokens of an answer. */
  readonly tokenCount: number;
  readonly largeShare: number;
  readonly verifiedShare: number;
  /** The mean number of steps of an answer; null for methods with another unit. */
  readonly stepCount: number | null;
  /** Steps that the large model wrote / all steps; null for methods with another unit. */
  readonly rejectedShare: number | null;
  /** Null for methods other than U-HLM. */
  readonly transmittedShare: number | null;
  /**
   * The large share that was predicted before the run: for token methods, the share of the large
   * model's own tokens whose scores defer; otherwise, that of the questions. Null where none was
   * predicted.
   */
  readonly predictedShare: number | null;
  /** The forwards of the large model, for all questions together. */
  readonly largeForwards: number;
  readonly weightTrafficRatio: number;
  /** Null: an earlier version, which did not count it, wrote the result. */
  readonly writtenFlopsRatio: number | null;
  readonly generatedFlopsRatio: number;
  readonly processedFlopsRatio: number;
  /** Null: the large model is on no server. */
  readonly bill: AnswerBill | null;
  /** Predicted time relative to the large model alone, by machine profile. */
  readonly timeRatios: Readonly<Record<string, number>>;
  /** (accuracy - small) / (large - small); null where the large model is not better. */
  readonly gapRecovered: number | null;
  /** No other point is at least as accurate for less weight traffic. */
  readonly isOnFront: boolean;
}

/** An estimate with its interval; null where it does not exist. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * One strategy over all its thresholds, seeds averaged. The intervals are null where the gap between
 * the models may be 0.
 */
export interface CurveSummary {
  readonly axis: CostAxis;
  /** The mean share of the gap recovered, over all costs. */
  readonly apgr: Estimate;
  /** The least costs at which the curve recovers 50, 80 and 95 % of the gap. */
  readonly cpt50: Estimate;
  readonly cpt80: Estimate;
  readonly cpt95: Estimate;
}

/**
 * The other strategy of a comparison: a random control, an untrained rule that a trained method of the
 * same unit has to beat, or any other method.
 */
export type ComparedWith = 'control' | 'rule' | 'method';

/** Two strategies over the interval of costs. Each pair occurs once. */
export interface Comparison {
  readonly strategy: string;
  readonly other: string;
  readonly otherIs: ComparedWith;
  readonly axis: CostAxis;
  /**
   * The mean accuracy of the strategy over the interval minus that of the other; paired bootstrap over
   * questions. Empty if a curve lacks points.
   */
  readonly difference: Estimate;
  /** The curves that cannot be compared. */
  readonly lacks: readonly CurveLack[];
}

/** A curve with too few points, or with points that do not reach over the interval. */
export interface CurveLack {
  readonly strategy: string;
  /** The points inside the interval, and the nearest on either side. */
  readonly pointCount: number;
  /** The range of all its measured points; null where the large model does not cost more. */
  readonly from: number | null;
  readonly to: number | null;
}

/** What a gate's scores say, over the tokens of the large model's own answers (teacher-forced). */
export interface GateEvidence {
  readonly gate: string;
  readonly tokenCount: number;
  /**
   * The chance that a token where the models differ looks worse to the gate than one where they
   * agree.
   */
  readonly auc: number | null;
  /** In the order of scores, from those kept first to those deferred first. */
  readonly bins: readonly GateBin[];
}

export interface GateBin {
  /** The range of scores in the bin. */
  readonly from: number;
  readonly to: number;
  /** Weighted token counts: whole numbers where every question was run. */
  readonly agreeCount: number;
  readonly differCount: number;
}

/** The accepted steps of a group of judged ones. */
export interface AcceptanceGroup {
  /** A position (`1`, `last`), or a difficulty. */
  readonly name: string;
  /** Drafted steps that were judged: only these count. */
  readonly judgedCount: number;
  readonly acceptedShare: number;
  /** Wilson's interval, as if steps were independent. */
  readonly low: number;
  readonly high: number;
}

/** How often a method of steps accepted the steps that it judged, at one point. */
export interface StepAcceptance {
  readonly strategy: string;
  readonly threshold: number | null;
  /** By the place of the step in its answer. The last step of an answer is in a group of its own. */
  readonly byPosition: readonly AcceptanceGroup[];
  /** By the question's own difficulty; by whether the small model alone is right where it has none. */
  readonly byDifficulty: readonly AcceptanceGroup[];
}

export interface ExampleToken {
  readonly text: string;
  readonly origin: Origin;
  readonly score: number | null;
}

/** A question that some strategies get right and others wrong. */
export interface Example {
  readonly questionId: string;
  readonly question: string;
  readonly answer: string;
  readonly answers: readonly {
    readonly strategy: string;
    readonly threshold: number | null;
    readonly isRight: boolean;
    readonly extracted: string | null;
    readonly tokens: readonly ExampleToken[];
  }[];
}

export interface ResultModel {
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly digest: string;
}

/** The pair, and the models beside it by their labels. A model may have several labels. */
export type ResultModels = Readonly<Record<ModelRole, ResultModel>> & {
  readonly [L in ModelLabel]?: ResultModel | undefined;
};
/**
 * The version of the results that evaluations write now. Version 2 had neither written FLOPs nor steps;
 * version 1 compared curves in another way.
 */
export const RESULT_VERSION = 3;

export interface EvaluationResult {
  readonly version: typeof RESULT_VERSION;
  readonly task: string;
  readonly questionCount: number;
  /** Whether the questions on which both models are right, or both wrong, were sampled. */
  readonly isScreened: boolean;
  readonly models: ResultModels;
  readonly maxTokens: number;
  /** The temperature of the answers; 0: greedy. Null: an earlier version wrote the result. */
  readonly temperature: number | null;
  /**
   * The options of strategies that were given, by strategy and name (`steps.draftCount`). Empty in
   * results of earlier versions.
   */
  readonly options: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /**
   * The accuracy of the large model alone minus that of the small one, paired over all questions.
   */
  readonly gap: Estimate;
  readonly results: readonly PointResult[];
  readonly summary: Readonly<Record<string, CurveSummary>>;
  /**
   * The same curves against generated FLOPs, a cost on which methods of different units compare.
   */
  readonly summaryByFlops: Readonly<Record<string, CurveSummary>>;
  /** The same against written FLOPs, for methods whose written FLOPs differ from the generated ones. */
  readonly summaryByWrittenFlops: Readonly<Record<string, CurveSummary>>;
  /** The curves against weight traffic, which decides time where decoding is bound by memory. */
  readonly summaryByTraffic: Readonly<Record<string, CurveSummary>>;
  /**
   * The interval of costs over which curves are compared, as shares of the way from the small model's
   * cost to the large one's. Null: an earlier version wrote the result, with other comparisons, which
   * are left out.
   */
  readonly interval: ShareInterval | null;
  readonly comparisons: readonly Comparison[];
  /**
   * At equal written FLOPs: the pairs with a method whose written FLOPs differ from its generated ones.
   */
  readonly comparisonsByWrittenFlops: readonly Comparison[];
  /** Every strategy against every other one at equal weight traffic. */
  readonly comparisonsByTraffic: readonly Comparison[];
  readonly gates: readonly GateEvidence[];
  /** Every point of the methods that judge steps. */
  readonly stepAcceptance: readonly StepAcceptance[];
  readonly examples: readonly Example[];
}
