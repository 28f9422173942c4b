/**
 * A fit of U-HLM: the law between a pair's uncertainties and rejections (rejection-law.ts), measured at
 * one temperature on training questions, and what follows from it. Bound to its pair like any head.
 */
import type { BoundFacts, SeenQuestions } from './head.ts';
import { type RejectionLaw, riskAverseThreshold, thresholdAt } from './rejection-law.ts';

/** Drafts whose uncertainty lies in [from, to), at least one; the last bin includes its end. */
export interface FitBin {
  readonly from: number;
  readonly to: number;
  readonly meanUncertainty: number;
  /** The mean rejection probability, and the mean of what the law expects. */
  readonly observed: number;
  readonly predicted: number;
  readonly count: number;
}

/** What a threshold gives: drafts up to it are not transmitted. */
export interface ThresholdReport {
  readonly threshold: number;
  /** The part of all drafts that is not transmitted. */
  readonly skippedShare: number;
  /** Of those: the mean of what the law expects, its bound, and the mean rejection probability. */
  readonly expectedRisk: number;
  readonly riskBound: number;
  readonly observedRisk: number;
  /**
   * The mean distance in total variation of the output from the large model's distribution, exact at
   * every position; null for thresholds beyond those for which it was measured.
   */
  readonly totalVariation: number | null;
}

/** The fit on questions that it has not seen. */
export interface HeldOutReport {
  readonly questionCount: number;
  readonly draftCount: number;
  readonly correlation: number | null;
  /** Null: there is no risk-averse threshold. */
  readonly averse: ThresholdReport | null;
  readonly prone: ThresholdReport;
}

export interface UhlmFitFacts extends BoundFacts {
  /** The temperature of the drafts; 0: greedy. */
  readonly temperature: number;
  readonly law: RejectionLaw;
  /** Pearson's r of u and β. */
  readonly correlation: number | null;
  readonly draftCount: number;
  readonly bins: readonly FitBin[];
  /** β* of the risk-prone threshold: the rejection that is tolerated. */
  readonly toleratedRejection: number;
  /** θ of CU-HLM: the bound of the error by truncation. */
  readonly truncationError: number;
  /** k* by the offline rule at that θ; null: more tokens than were looked at, or greedy drafts. */
  readonly offlineTokenCount: number | null;
  /** Null: too few questions to hold some out. */
  readonly heldOut: HeldOutReport | null;
}

export interface UhlmFit extends UhlmFitFacts, SeenQuestions {}

/** How much risk a device takes with what it does not transmit. */
export type Risk = 'averse' | 'prone';

/** Null: the law leaves no draft without risk. */
export function fittedThreshold(
  { law, toleratedRejection }: Pick<UhlmFitFacts, 'law' | 'toleratedRejection'>,
  risk: Risk,
): number | null {
  return risk === 'averse' ? riskAverseThreshold(law) : thresholdAt(law, toleratedRejection);
}
