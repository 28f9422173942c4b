/**
 * The number of tokens to draft, from measured costs and acceptance. The textbook formula divides by
 * γ·c + 1, as if a forward of γ + 1 rows cost one step (METHODS); here the divisor is the cost on
 * this machine. With acceptance a per token, a round of n drafts emits (1 - a^(n+1)) / (1 - a)
 * tokens.
 */

/** The costs of drafting and verifying, in milliseconds. */
export interface SpeculationCosts {
  /** One target forward with `rowCount` rows. */
  readonly verifyMs: (rowCount: number) => number;
  /**
   * Writing `length` drafts at this acceptance, which decides how many rows are new to the draft
   * model.
   */
  readonly draftMs: (length: number, acceptance: number) => number;
}

/**
 * The forwards of the draft model in a round, by their rows. The last draft is not read until the
 * next round: after a fully accepted round two rows are new, after any other round only the target's
 * token.
 */
export function draftForwards(
  length: number,
  acceptance: number,
): readonly { readonly rowCount: number; readonly count: number }[] {
  const wholeRounds = acceptance ** length;
  return [
    { rowCount: 1, count: length - wholeRounds },
    { rowCount: 2, count: wholeRounds },
  ];
}

/** The longest draft that is considered. */
export const DRAFT_LENGTH_MAX = 8;

/**
 * A draft below this predicted speed-up is not worth its risk, because costs and acceptance are
 * estimates.
 */
export const SPEEDUP_MIN = 1.03;

/**
 * The expected number of tokens of one round, the correction or bonus token included. It is computed
 * as a sum, because the closed form loses precision when nearly all drafts hold.
 */
export function expectedTokenCount(length: number, acceptance: number): number {
  let count = 0;
  let reached = 1;
  for (let drafts = 0; drafts <= length; drafts += 1) {
    count += reached;
    reached *= acceptance;
  }
  return count;
}

/** Tokens per millisecond of rounds with `length` drafts, relative to plain one-row forwards. */
export function expectedSpeedup(
  length: number,
  acceptance: number,
  costs: SpeculationCosts,
): number {
  const plainMs = costs.verifyMs(1);
  const roundMs = costs.draftMs(length, acceptance) + costs.verifyMs(length + 1);
  return (expectedTokenCount(length, acceptance) * plainMs) / roundMs;
}

export interface DraftLength {
  /** 0 if drafting does not pay. */
  readonly length: number;
  /** The best predicted speed-up of all lengths, even if it does not pay. */
  readonly speedup: number;
}

export function bestDraftLength(
  acceptance: number,
  costs: SpeculationCosts,
  lengthMax: number,
): DraftLength {
  let best: DraftLength = { length: 0, speedup: 0 };
  for (let length = 1; length <= Math.min(lengthMax, DRAFT_LENGTH_MAX); length += 1) {
    const speedup = expectedSpeedup(length, acceptance, costs);
    if (speedup > best.speedup) best = { length, speedup };
  }
  return best.speedup >= SPEEDUP_MIN ? best : { ...best, length: 0 };
}
