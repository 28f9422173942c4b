/** The plan of an evaluation, and the points that follow from it. Pure. */

import { required } from '../../core/invariant.ts';
import { ScoreDistribution } from '../../judging/score-distribution.ts';
import {
  choosesModels,
  isRandomControl,
  type Method,
  scoreName,
  type ThresholdFacts,
} from '../../strategy/method.ts';
import { largeMethod, smallMethod } from '../../strategy/single-model.ts';
import type { ShareInterval } from '../curves/share-interval.ts';
import type { TokenEvidence } from '../evidence/teacher-forced.ts';
import type { EvaluationPoint } from './evaluation-point.ts';

/** A method at given thresholds, or at thresholds for shares. */
export interface RequestedStrategy {
  readonly method: Method;
  /** The thresholds that the user gave; empty: they are found from the shares. */
  readonly thresholds: readonly number[];
}

export interface EvaluationPlan {
  readonly strategies: readonly RequestedStrategy[];
  /** The costs over which curves are compared. */
  readonly interval: ShareInterval;
  /** Shares of tokens or answers for the large model to write; null: over the interval. */
  readonly shares: readonly number[] | null;
  /**
   * The number of points of a curve where shares are not given. More are added where too few lie in
   * the interval, unless this number is itself too small.
   */
  readonly pointCount: number;
  /** The seeds of random controls. */
  readonly seeds: readonly number[];
  /**
   * Samples the questions on which both models are right, or both wrong; null: all questions run.
   */
  readonly screening: Screening | null;
  readonly maxTokens: number;
  readonly waveSize: number;
  /** Default 0: every answer is greedy. */
  readonly temperature?: number | undefined;
  /** Chooses the draws of a temperature above 0, for all methods alike; default 0. */
  readonly drawSeed?: number | undefined;
}

export interface Screening {
  /** The share of these questions that run. */
  readonly share: number;
  readonly seed: number;
}

/** The two models alone: every evaluation has these points. */
export const SMALL_ALONE: EvaluationPoint = { method: smallMethod, threshold: null, seed: 0 };
export const LARGE_ALONE: EvaluationPoint = { method: largeMethod, threshold: null, seed: 0 };

/** A point, and its predicted share. */
export interface PlannedPoint extends EvaluationPoint {
  /**
   * The share of the large model's own tokens (token methods) or of the questions; null: unknown.
   */
  readonly predictedShare: number | null;
}

/** The evidence for thresholds, in the order of the questions that run. */
export interface ScoreEvidence {
  /** The count of questions that each question represents, up to a common factor. */
  readonly weights: ArrayLike<number>;
  /** The gates' scores over the tokens of the large model's own answers. */
  readonly tokens: readonly TokenEvidence[];
  /**
   * For each method with a unit larger than a token: the scores of the small model's answer to each
   * question. There is one score per answer or one per token.
   */
  readonly answers: Readonly<Record<string, readonly (readonly number[])[]>>;
}

/** Whether the method needs a whole step or answer of the small model before it scores it. */
export function judgesAnswers(method: Method): boolean {
  const isLarger = method.unit === 'step' || method.unit === 'query';
  return isLarger && choosesModels(method) && !isRandomControl(method);
}

/** A threshold above all scores. */
const BEYOND_SCORES = 1e6;

/** A point at which a method scores every answer of the small model and keeps it. */
export function scoringPoint(method: Method): EvaluationPoint {
  const keepsBelow = thresholdFacts(method).deferralSide === 'above';
  return { method, threshold: keepsBelow ? BEYOND_SCORES : -BEYOND_SCORES, seed: 0 };
}

/** The points at thresholds that the user gave, and those of methods that no share can be asked of. */
export function givenPoints(plan: EvaluationPlan, evidence: ScoreEvidence): PlannedPoint[] {
  return asked(plan).flatMap(({ method, thresholds }): PlannedPoint[] => {
    if (!choosesModels(method)) {
      const own = thresholds.length === 0 ? [null] : [...new Set(thresholds)];
      return own.map((threshold) => ({ method, threshold, seed: 0, predictedShare: null }));
    }
    return [...new Set(thresholds)].flatMap((threshold) =>
      pointsAt(method, threshold, plan, evidence),
    );
  });
}

/** The methods whose thresholds are found from shares. */
export function shareMethods(plan: EvaluationPlan): readonly Method[] {
  return asked(plan)
    .filter(({ method, thresholds }) => choosesModels(method) && thresholds.length === 0)
    .map(({ method }) => method);
}

/** The points at which a method defers about this share of tokens or answers. */
export function pointsForShare(
  method: Method,
  share: number,
  plan: EvaluationPlan,
  evidence: ScoreEvidence,
): PlannedPoint[] {
  const threshold = thresholdFacts(method).isShare
    ? share
    : scoresOf(method, evidence).cutFor(share).threshold;
  return pointsAt(method, threshold, plan, evidence);
}

function pointsAt(
  method: Method,
  threshold: number,
  { seeds }: EvaluationPlan,
  evidence: ScoreEvidence,
): PlannedPoint[] {
  const predictedShare = thresholdFacts(method).isShare
    ? threshold
    : scoresOf(method, evidence).deferredShare(threshold);
  const own = isRandomControl(method) ? seeds : [0];
  return own.map((seed) => ({ method, threshold, seed, predictedShare }));
}

/** All methods but the two models alone, which every evaluation has. */
function asked({ strategies }: EvaluationPlan): readonly RequestedStrategy[] {
  const alone = [SMALL_ALONE.method, LARGE_ALONE.method];
  return strategies.filter(({ method }) => !alone.includes(method));
}

function scoresOf(method: Method, { weights, tokens, answers }: ScoreEvidence): ScoreDistribution {
  const { name } = method;
  // Several methods may have one gate.
  const all = answers[name] ?? tokens.map(({ scores }) => scores[scoreName(method)] ?? []);
  return new ScoreDistribution(
    all.flat(),
    required(thresholdFacts(method).deferralSide, `${name} calls the large model`),
    all.flatMap((scores, index) => scores.map(() => weights[index] ?? 0)),
  );
}

function thresholdFacts({ name, threshold }: Method): ThresholdFacts {
  return required(threshold, `${name} has a threshold`);
}
