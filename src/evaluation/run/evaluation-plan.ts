/** What an evaluation is asked to do, and which points come of it. Pure. */

import { required } from '../../core/invariant.ts';
import { isRandomControl, type Method, type ThresholdFacts } from '../../strategy/method.ts';
import { largeMethod, smallMethod } from '../../strategy/single-model.ts';
import type { TokenEvidence } from '../evidence/teacher-forced.ts';
import {
  calledShare,
  thresholdForShare,
  type WeightedScores,
} from '../evidence/threshold-for-share.ts';
import type { EvaluationPoint } from './evaluation-point.ts';

/** A method at these thresholds or at thresholds for shares. */
export interface RequestedStrategy {
  readonly method: Method;
  /** Given by the user; empty: found from the shares. */
  readonly thresholds: readonly number[];
}

export interface EvaluationPlan {
  readonly strategies: readonly RequestedStrategy[];
  /** Of tokens, or of answers, that the large model should write; null: where curves rise. */
  readonly shares: readonly number[] | null;
  /** Points of a curve where shares are not given. */
  readonly pointCount: number;
  /** For random controls. */
  readonly seeds: readonly number[];
  /** Questions on which both models are right, or both wrong, are sampled; null: all are run. */
  readonly screening: Screening | null;
  readonly maxTokens: number;
  readonly waveSize: number;
}

export interface Screening {
  /** Share of these questions that run. */
  readonly share: number;
  readonly seed: number;
}

/** Both models alone: every evaluation has them. */
export const SMALL_ALONE: EvaluationPoint = { method: smallMethod, threshold: null, seed: 0 };
export const LARGE_ALONE: EvaluationPoint = { method: largeMethod, threshold: null, seed: 0 };

/** A point, and the share that it is expected to have. */
export interface PlannedPoint extends EvaluationPoint {
  /** Of the large model's own tokens (token strategies) or of the questions; null: nothing is known. */
  readonly predictedShare: number | null;
}

/** What thresholds are found from; everything in the order of the questions that run. */
export interface ScoreEvidence {
  /** For how many questions each stands, up to a factor. */
  readonly weights: ArrayLike<number>;
  /** Of gates, over the tokens of the large model's own answers. */
  readonly tokens: readonly TokenEvidence[];
  /**
   * By method that judges more than a token at once: its scores of the small model's answer to each
   * question, one of the answer or one of every token.
   */
  readonly answers: Readonly<Record<string, readonly (readonly number[])[]>>;
}

/** Methods that need a whole step or answer of the small model before they score it. */
export function judgesAnswers(method: Method): boolean {
  return method.unit !== null && method.unit !== 'token' && !isRandomControl(method);
}

/** No score is higher. */
const BEYOND_SCORES = 1e6;

/** A point under which a method scores every answer of the small model and keeps it. */
export function scoringPoint(method: Method): EvaluationPoint {
  const keepsBelow = thresholdFacts(method).deferralSide === 'above';
  return { method, threshold: keepsBelow ? BEYOND_SCORES : -BEYOND_SCORES, seed: 0 };
}

/** Points at thresholds that the user gave, and of methods without one. */
export function givenPoints(plan: EvaluationPlan, evidence: ScoreEvidence): PlannedPoint[] {
  return asked(plan).flatMap(({ method, thresholds }): PlannedPoint[] => {
    if (method.threshold === null) {
      return [{ method, threshold: null, seed: 0, predictedShare: null }];
    }
    return [...new Set(thresholds)].flatMap((threshold) =>
      pointsAt(method, threshold, plan, evidence),
    );
  });
}

/** Methods whose thresholds are found from shares. */
export function shareMethods(plan: EvaluationPlan): readonly Method[] {
  return asked(plan)
    .filter(({ method, thresholds }) => method.threshold !== null && thresholds.length === 0)
    .map(({ method }) => method);
}

/** Where a method sends about this share of tokens or answers to the large model. */
export function pointsForShare(
  method: Method,
  share: number,
  plan: EvaluationPlan,
  evidence: ScoreEvidence,
): PlannedPoint[] {
  const { isShare, deferralSide } = thresholdFacts(method);
  const threshold = isShare
    ? share
    : thresholdForShare(scoresOf(method, evidence), share, deferralSide);
  return pointsAt(method, threshold, plan, evidence);
}

function pointsAt(
  method: Method,
  threshold: number,
  { seeds }: EvaluationPlan,
  evidence: ScoreEvidence,
): PlannedPoint[] {
  const { isShare, deferralSide } = thresholdFacts(method);
  const predictedShare = isShare
    ? threshold
    : calledShare(scoresOf(method, evidence), threshold, deferralSide);
  const own = isRandomControl(method) ? seeds : [0];
  return own.map((seed) => ({ method, threshold, seed, predictedShare }));
}

/** All but the two models alone, which every evaluation has. */
function asked({ strategies }: EvaluationPlan): readonly RequestedStrategy[] {
  const alone = [SMALL_ALONE.method, LARGE_ALONE.method];
  return strategies.filter(({ method }) => !alone.includes(method));
}

function scoresOf({ name }: Method, { weights, tokens, answers }: ScoreEvidence): WeightedScores {
  const all = answers[name] ?? tokens.map(({ scores }) => scores[name] ?? []);
  return {
    scores: all.flat(),
    weights: all.flatMap((scores, index) => scores.map(() => weights[index] ?? 0)),
  };
}

function thresholdFacts({ name, threshold }: Method): ThresholdFacts {
  return required(threshold, `${name} has a threshold`);
}
