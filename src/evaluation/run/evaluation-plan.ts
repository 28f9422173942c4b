/** What an evaluation is asked to do, and which points come of it. Pure. */

import { required } from '../../core/invariant.ts';
import type { DeferralSide } from '../../judging/gate.ts';
import { STRATEGIES, type StrategyInfo } from '../../strategy/registry.ts';
import type { TokenEvidence } from '../evidence/teacher-forced.ts';
import {
  calledShare,
  thresholdForShare,
  type WeightedScores,
} from '../evidence/threshold-for-share.ts';
import type { EvaluationPoint } from './evaluation-point.ts';

/** A strategy by name, at these thresholds or at thresholds for shares. */
export interface RequestedStrategy {
  readonly name: string;
  /** Given by the user; empty: found from the shares. */
  readonly thresholds: readonly number[];
}

export interface EvaluationPlan {
  readonly strategies: readonly RequestedStrategy[];
  /** Of tokens, or of answers, that the large model should write; null: where curves rise. */
  readonly shares: readonly number[] | null;
  /** Points of a curve where shares are not given. */
  readonly pointCount: number;
  /** For strategies that toss coins. */
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
export const SMALL_ALONE: EvaluationPoint = { strategy: 'small', threshold: null, seed: 0 };
export const LARGE_ALONE: EvaluationPoint = { strategy: 'large', threshold: null, seed: 0 };

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
  /** By strategy that chooses whole answers, a score of each question. */
  readonly queries: Readonly<Record<string, readonly number[]>>;
}

export function infoOf(name: string): StrategyInfo {
  return required(
    STRATEGIES.find((info) => info.name === name),
    `${name} is a strategy`,
  );
}

/** Whether a strategy tosses coins, so that it is run with several seeds. */
export function tossesCoins({ threshold }: StrategyInfo): boolean {
  return threshold?.isShare === true;
}

/** Strategies that look at a whole answer of the small model before they choose. */
export function judgesAnswers(info: StrategyInfo): boolean {
  return info.unit === 'query' && !tossesCoins(info);
}

/** Keeps every answer of the small model: no mean entropy is higher. */
const KEEPS_ALL = 1e6;

/** A point under which a strategy scores every answer of the small model and keeps it. */
export function scoringPoint(name: string): EvaluationPoint {
  return { strategy: name, threshold: KEEPS_ALL, seed: 0 };
}

/** Points at thresholds that the user gave, and of strategies without one. */
export function givenPoints(plan: EvaluationPlan, evidence: ScoreEvidence): PlannedPoint[] {
  return asked(plan).flatMap(({ name, thresholds }): PlannedPoint[] => {
    if (infoOf(name).threshold === null) {
      return [{ strategy: name, threshold: null, seed: 0, predictedShare: null }];
    }
    return [...new Set(thresholds)].flatMap((threshold) =>
      pointsAt(name, threshold, plan, evidence),
    );
  });
}

/** Strategies whose thresholds are found from shares. */
export function shareStrategies(plan: EvaluationPlan): readonly string[] {
  return asked(plan)
    .filter(({ name, thresholds }) => infoOf(name).threshold !== null && thresholds.length === 0)
    .map(({ name }) => name);
}

/** Where a strategy sends about this share of tokens or answers to the large model. */
export function pointsForShare(
  strategy: string,
  share: number,
  plan: EvaluationPlan,
  evidence: ScoreEvidence,
): PlannedPoint[] {
  const threshold = tossesCoins(infoOf(strategy))
    ? share
    : thresholdForShare(scoresOf(strategy, evidence), share, callingSide(strategy));
  return pointsAt(strategy, threshold, plan, evidence);
}

function pointsAt(
  strategy: string,
  threshold: number,
  { seeds }: EvaluationPlan,
  evidence: ScoreEvidence,
): PlannedPoint[] {
  if (tossesCoins(infoOf(strategy))) {
    return seeds.map((seed) => ({ strategy, threshold, seed, predictedShare: threshold }));
  }
  const scores = scoresOf(strategy, evidence);
  const predictedShare = calledShare(scores, threshold, callingSide(strategy));
  return [{ strategy, threshold, seed: 0, predictedShare }];
}

/** All but the two models alone, which every evaluation has. */
function asked({ strategies }: EvaluationPlan): readonly RequestedStrategy[] {
  const alone = [SMALL_ALONE.strategy, LARGE_ALONE.strategy];
  return strategies.filter(({ name }) => !alone.includes(name));
}

function scoresOf(strategy: string, evidence: ScoreEvidence): WeightedScores {
  const weights = Array.from(evidence.weights);
  const ofQueries = evidence.queries[strategy];
  if (ofQueries !== undefined) return { scores: ofQueries, weights };
  const ofTokens = evidence.tokens.map(({ scores }) => scores[strategy] ?? []);
  return {
    scores: ofTokens.flat(),
    weights: ofTokens.flatMap((scores, index) => scores.map(() => weights[index] ?? 0)),
  };
}

/** Of a strategy that has a threshold. */
export function callingSide(strategy: string): DeferralSide {
  return required(infoOf(strategy).threshold, `${strategy} has a threshold`).deferralSide;
}
