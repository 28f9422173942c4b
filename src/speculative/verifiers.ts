/**
 * The two lossless verifiers, as pure functions. With drafts d_1..d_n, row i is the target's row
 * after d_1..d_i (row 0 follows the committed text), so there are n + 1 rows. The outcome is the
 * number of accepted drafts and one more token: a correction if a draft was rejected, else the bonus
 * token. The text thus grows by at least one token.
 */
import type { Draws } from '../core/draws.ts';
import { invariant, required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import { residualWeights } from '../sampling/residual.ts';
import type { Draft } from './proposer.ts';

export interface Verification {
  readonly acceptedCount: number;
  /** The correction or bonus token, written by the target. */
  readonly next: TokenId;
}

export type VerifierName = 'coupling' | 'rejection';

/**
 * Shared-noise coupling (drafter-invariant verification, arXiv 2408.07978): a draft is accepted iff
 * it is the very token that the target draws at that position with its own noise. The text is then
 * exactly that of the target alone with the same seed, with any drafts.
 */
export function verifyByCoupling(draft: Draft, rows: readonly RowResult[]): Verification {
  invariant(rows.length === draft.tokens.length + 1, 'the target needs a row behind every draft');
  let acceptedCount = 0;
  while (draft.tokens[acceptedCount] === rows[acceptedCount]?.tokenId) acceptedCount += 1;
  return { acceptedCount, next: required(rows[acceptedCount], 'the bonus row').tokenId };
}

/**
 * Rejection sampling (arXiv 2211.17192, 2302.01318): accepts d with probability min(1, p_d / q_d),
 * else draws from the residual. The text follows the target's distribution, but is not its text for
 * the seed.
 *
 * @param position the position of the first draft token, which keys the draws
 */
export function verifyByRejection(
  draft: Draft,
  rows: readonly RowResult[],
  position: number,
  draws: Draws,
): Verification {
  invariant(rows.length === draft.tokens.length + 1, 'the target needs a row behind every draft');
  for (const [index, token] of draft.tokens.entries()) {
    const target = targetDistribution(rows, index);
    const proposal = draft.distributions?.[index] ?? allMassOn(token, target.length);
    const next = rejected(token, proposal, target, position + index, draws);
    if (next !== null) return { acceptedCount: index, next };
  }
  const acceptedCount = draft.tokens.length;
  return { acceptedCount, next: required(rows[acceptedCount], 'the bonus row').tokenId };
}

/** The verdict of U-HLM's hub about one draft (arXiv 2412.12687, step 4 of its protocol). */
export interface DraftVerdict {
  /** The draft, or the token in its place. */
  readonly tokenId: TokenId;
  readonly isAccepted: boolean;
}

/**
 * @param proposal what the draft was drawn from; null: it is compared with the target's own draw, by
 *   shared noise or greedily
 * @param position the position of the draft, which keys the draws
 */
export function judgeDraft(
  draft: TokenId,
  proposal: Float64Array | null,
  target: RowResult,
  position: number,
  draws: Draws,
): DraftVerdict {
  const next =
    proposal === null
      ? target.tokenId
      : rejected(draft, proposal, targetDistribution([target], 0), position, draws);
  const isAccepted = next === null || next === draft;
  return { tokenId: next ?? draft, isAccepted };
}

/** The token in place of a rejected draft; null: it is accepted. */
function rejected(
  draft: TokenId,
  proposal: Float64Array,
  target: Float64Array,
  position: number,
  draws: Draws,
): TokenId | null {
  const wanted = target[draft] as number;
  // A compressed proposal may give its own draft nothing.
  const ratio = wanted === 0 ? 0 : wanted / (proposal[draft] as number);
  if (draws.accepts(Math.min(1, ratio), position)) return null;
  return draws.categorical(residualWeights(target, proposal), position, 'residual');
}

function targetDistribution(rows: readonly RowResult[], index: number): Float64Array {
  return required(rows[index]?.distribution, 'rejection sampling needs the distribution');
}

function allMassOn(token: TokenId, size: number): Float64Array {
  const distribution = new Float64Array(size);
  distribution[token] = 1;
  return distribution;
}
