/**
 * The input of a reward head: one row of features for each token of a step. Only the state *after* a
 * token depends on the token. So the features of a token are the hidden state of the next row, the
 * log-probability of the token, and the entropy and the margin of the row that decided it. The last
 * token of a step (its separator, or the end of the answer) has no next row and is not scored, unless it
 * is alone: then its own row stands for it. So scoring a draft takes no forward of its own.
 *
 * Features are in half precision, so that training and live rows give a head the same numbers.
 */
import { halfBits } from '../core/half.ts';
import { required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';

export interface RewardFeatures {
  /** The small model's hidden state. */
  readonly hidden: boolean;
  /**
   * What is known of the large model, which then reads the draft in one forward: nothing, its
   * log-probability of each token, or also its entropy, margin and hidden state.
   */
  readonly large: 'none' | 'logprob' | 'state';
  /**
   * The tokens that make the reward: the product over all, the weakest of all, or only the last one before
   * the separator, as in the usual value head on the state at the end of a step.
   */
  readonly tokens: 'all' | 'weakest' | 'last';
}

/** Hidden sizes of both models. */
export interface HiddenSizes {
  readonly small: number;
  readonly large: number;
}

/** The values that features need of the small model's rows. */
export function rewardReads({ hidden }: Pick<RewardFeatures, 'hidden'>): RowReads {
  return { hidden, uncertainty: true, logprob: true };
}

/** The values that features need of the large model's rows; null: it does not read the draft. */
export function largeReads({ large }: Pick<RewardFeatures, 'large'>): RowReads | null {
  if (large === 'none') return null;
  return large === 'logprob'
    ? { textLogprob: true }
    : { textLogprob: true, uncertainty: true, hidden: true };
}

/** Log-probability, entropy, margin. */
const UNCERTAINTY_SIZE = 3;

/** A block of columns, in the order in which features have them. */
interface Block {
  readonly name: 'hidden' | 'uncertainty' | 'large-logprob' | 'large-uncertainty' | 'large-hidden';
  readonly size: number;
}

function blocks({ hidden, large }: Omit<RewardFeatures, 'tokens'>, sizes: HiddenSizes): Block[] {
  const state: Block[] = [
    { name: 'large-uncertainty', size: 2 },
    { name: 'large-hidden', size: sizes.large },
  ];
  return [
    ...(hidden ? [{ name: 'hidden', size: sizes.small } as const] : []),
    { name: 'uncertainty', size: UNCERTAINTY_SIZE },
    ...(large === 'none' ? [] : [{ name: 'large-logprob', size: 1 } as const]),
    ...(large === 'state' ? state : []),
  ];
}

/** The number of features of a token. */
export function rewardFeatureSize(
  features: Omit<RewardFeatures, 'tokens'>,
  sizes: HiddenSizes,
): number {
  return blocks(features, sizes).reduce((sum, { size }) => sum + size, 0);
}

/** The columns of features among those of richer features. */
export function columnsAmong(
  wanted: Omit<RewardFeatures, 'tokens'>,
  read: Omit<RewardFeatures, 'tokens'>,
  sizes: HiddenSizes,
): readonly number[] {
  const names = new Set(blocks(wanted, sizes).map(({ name }) => name));
  let at = 0;
  return blocks(read, sizes).flatMap(({ name, size }) => {
    const columns = Array.from({ length: size }, (_, column) => at + column);
    at += size;
    return names.has(name) ? columns : [];
  });
}

/** The indices of the tokens of a step that are scored, in a range. */
export function scoredTokens(
  stepLength: number,
  { tokens }: Pick<RewardFeatures, 'tokens'>,
): { readonly from: number; readonly until: number } {
  const until = Math.max(1, stepLength - 1);
  return { from: tokens === 'last' ? until - 1 : 0, until };
}

type StepRow = Pick<RowResult, 'hidden' | 'logprob' | 'textLogprob' | 'entropy' | 'margin'>;

export interface StepRows {
  /** The small model's rows of the step, with the log-probabilities of its tokens. */
  readonly small: readonly StepRow[];
  /** The large model's rows of the same tokens; null: it did not read them. */
  readonly large: readonly StepRow[] | null;
}

/** @returns [scored token count x feature size] halves */
export function stepFeatures({ small, large }: StepRows, features: RewardFeatures): Uint16Array {
  const { from, until } = scoredTokens(small.length, features);
  const halves: number[] = [];
  const push = (value: number | null): void => {
    halves.push(halfBits(Math.max(LOGPROB_MIN, required(value, 'the row has it'))));
  };
  const pushState = (rows: readonly StepRow[], token: number): void => {
    const { hidden } = required(rows[token + 1] ?? rows[token], 'a row of every token');
    for (const value of required(hidden, 'hidden states were read')) push(value);
  };
  for (let token = from; token < until; token += 1) {
    const own = required(small[token], 'a row of every token');
    if (features.hidden) pushState(small, token);
    for (const value of [own.logprob, own.entropy, own.margin]) push(value);
    if (features.large === 'none') continue;
    const theirs = required(large?.[token], 'the large model read the step');
    push(theirs.textLogprob);
    if (features.large === 'logprob') continue;
    push(theirs.entropy);
    push(theirs.margin);
    pushState(required(large, 'rows'), token);
  }
  return Uint16Array.from(halves);
}

/** Stands for a log-probability of minus infinity. */
const LOGPROB_MIN = -100;
