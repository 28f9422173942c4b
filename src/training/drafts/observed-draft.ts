/** What one transmitted draft tells about U-HLM. Pure. */
import { required } from '../../core/invariant.ts';
import type { RowResult } from '../../core/row-program.ts';
import type { TokenId } from '../../core/token-id.ts';
import { meanPerturbation } from '../../judging/perturbation.ts';
import { largestProbabilities } from '../../sampling/largest-probabilities.ts';
import { firstTruncationErrors } from '../../sampling/truncation-bound.ts';
import type { TransmittedDraft } from '../../strategy/uhlm.ts';

export interface ObservedDraft {
  /** u of the draft, without noise. */
  readonly uncertainty: number;
  /** β: the probability that the draft is rejected, max(0, 1 - y_d / x_d). */
  readonly rejection: number;
  /** x_d, the draft's probability. */
  readonly probability: number;
  /** Whether the draft ends the answer: such a draft is always transmitted. */
  readonly isEnd: boolean;
  /**
   * The tokens that some threshold up to `THRESHOLD_MAX` would not transmit, surest first: u, and
   * max(0, x - y). Where drafts with u <= threshold are skipped, the output differs from y in total
   * variation by the sum of the latter (docs/METHODS.md).
   */
  readonly skippable: readonly (readonly [uncertainty: number, excess: number])[];
  /** [up to `TOKEN_COUNT_MAX`] the error of a truncation to 1, 2, … tokens; empty: the draft was greedy. */
  readonly truncationErrors: readonly number[];
}

/** Up to it, total variation is measured. */
export const THRESHOLD_MAX = 0.9;
/** Of tokens with u <= 0.9 there are at most 10: their mean probabilities are at least 0.1. */
const SKIPPABLE_COUNT = 10;
/** Kept tokens that the offline rule looks at. */
export const TOKEN_COUNT_MAX = 64;

export interface ObservedAt {
  readonly temperature: number;
  isEndOfGeneration(id: TokenId): boolean;
}

export function observedDraft(
  { draft, target, score }: TransmittedDraft,
  { temperature, isEndOfGeneration }: ObservedAt,
): ObservedDraft {
  const uncertainty = required(score, 'the gate is the uncertainty');
  const isEnd = isEndOfGeneration(draft.tokenId);
  const { distribution: x } = draft;
  if (x === null) {
    // Both distributions have all mass on one token.
    const rejection = draft.tokenId === target.tokenId ? 0 : 1;
    const isSkippable = !isEnd && uncertainty <= THRESHOLD_MAX;
    const skippable = isSkippable ? ([[uncertainty, rejection]] as const) : [];
    return { uncertainty, rejection, probability: 1, isEnd, skippable, truncationErrors: [] };
  }
  const y = required(target.distribution, 'it was asked for');
  const probability = x[draft.tokenId] as number;
  return {
    uncertainty,
    rejection: Math.max(0, 1 - (y[draft.tokenId] as number) / probability),
    probability,
    isEnd,
    skippable: skippableOf(draft, x, y, { temperature, isEndOfGeneration }),
    truncationErrors: [...firstTruncationErrors(x, TOKEN_COUNT_MAX).slice(1)],
  };
}

function skippableOf(
  { logPartitions }: RowResult,
  x: Float64Array,
  y: Float64Array,
  { temperature, isEndOfGeneration }: ObservedAt,
): ObservedDraft['skippable'] {
  const largest = largestProbabilities(x, SKIPPABLE_COUNT, 0);
  const best = x[required(largest[0], 'a token is possible')] as number;
  return largest.flatMap((id) => {
    const own = x[id] as number;
    const gap = temperature * Math.log(best / own);
    const uncertainty = meanPerturbation({ logPartitions }, gap);
    if (isEndOfGeneration(id) || uncertainty > THRESHOLD_MAX) return [];
    return [[uncertainty, Math.max(0, own - (y[id] as number))] as const];
  });
}
