/**
 * The result of an evaluation: the object that `eval --json` prints and `report` draws. Shares,
 * accuracies and ratios are fractions; ratios are to the large model alone, measured on the same
 * questions. Intervals hold 95 %.
 */
import type { Origin } from '../core/events.ts';
import type { Unit } from '../strategy/method.ts';

/** The cost axis of a curve. */
export type CostAxis =
  | 'largeShare'
  | 'transmittedShare'
  | 'generatedFlopsRatio'
  | 'weightTrafficRatio';

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
  /** The mean number of tokens of an answer. */
  readonly tokenCount: number;
  readonly largeShare: number;
  readonly verifiedShare: number;
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
  readonly generatedFlopsRatio: number;
  readonly processedFlopsRatio: number;
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

/** One strategy over all its thresholds, seeds averaged. */
export interface CurveSummary {
  readonly axis: CostAxis;
  readonly apgr: number | null;
  readonly apgrLow: number | null;
  readonly apgrHigh: number | null;
  readonly cpt50: number | null;
  readonly cpt80: number | null;
  readonly cpt95: number | null;
}

/**
 * A strategy against a control, over the range of its curve that recovers 20 to 95 % of the gap.
 */
export interface Comparison {
  readonly strategy: string;
  readonly control: string;
  readonly axis: CostAxis;
  /** The points of the strategy in that range. */
  readonly pointCount: number;
  /** Mean difference in accuracy to the control at equal cost; paired bootstrap over questions. */
  readonly difference: Estimate;
  /** Two-sided, for the hypothesis of no difference; null where nothing could be compared. */
  readonly pValue: number | null;
  /**
   * Each point against the control's nearest one in cost: which alone is right, and McNemar's test.
   */
  readonly pairs: readonly PointPair[];
}

export interface PointPair {
  readonly threshold: number | null;
  readonly controlThreshold: number | null;
  readonly cost: number;
  readonly controlCost: number;
  /** Questions that only the strategy gets right, and those that only the control does. */
  readonly onlyStrategyCount: number;
  readonly onlyControlCount: number;
  readonly pValue: number;
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

export interface EvaluationResult {
  readonly version: 1;
  readonly task: string;
  readonly questionCount: number;
  /** Whether the questions on which both models are right, or both wrong, were sampled. */
  readonly isScreened: boolean;
  readonly models: {
    readonly small: { readonly name: string; readonly digest: string };
    readonly large: { readonly name: string; readonly digest: string };
  };
  readonly maxTokens: number;
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
  /** The curves against weight traffic, which decides time where decoding is bound by memory. */
  readonly summaryByTraffic: Readonly<Record<string, CurveSummary>>;
  readonly comparisons: readonly Comparison[];
  /** Every strategy against every other one at equal weight traffic. */
  readonly comparisonsByTraffic: readonly Comparison[];
  readonly gates: readonly GateEvidence[];
  readonly examples: readonly Example[];
}
