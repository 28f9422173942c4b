/**
 * Features of rows beside their scores: what learned routers look at. They are many numbers, so they
 * are computed and kept only where they are asked for, and in half precision. A router that was
 * trained and runs on what is remembered must see the same numbers on a row that was just computed, so
 * these are rounded too.
 */
import { fromHalf, toHalf } from '../../core/half.ts';
import type { RowResult } from '../../core/row-program.ts';
import type { ForwardRequest } from '../roles.ts';

export interface RowFeatures {
  /** The hidden state. */
  readonly hidden?: boolean;
  /** So many of the largest log-probabilities: 1 to `TOP_LOGPROBS_MAX`. */
  readonly topLogprobs?: number;
}

/** What a forward asks for of every output row. */
export function featuresOf({ program, hidden }: ForwardRequest): RowFeatures {
  const { topLogprobs } = program;
  return { hidden: hidden === true, ...(topLogprobs === undefined ? {} : { topLogprobs }) };
}

/** Whether rows with the features `all` answer whoever asks for `some`. */
export function includes(all: RowFeatures, some: RowFeatures): boolean {
  const hasHidden = some.hidden !== true || all.hidden === true;
  return hasHidden && (some.topLogprobs ?? 0) <= (all.topLogprobs ?? 0);
}

/** The forward that computes these features as well; it asks for none that it then lacks. */
export function withFeatures(request: ForwardRequest, features: RowFeatures): ForwardRequest {
  const { hidden, topLogprobs } = features;
  const program = topLogprobs === undefined ? {} : { topLogprobs };
  return {
    ...request,
    program: { ...request.program, ...program },
    hidden: hidden === true || request.hidden === true,
  };
}

/** A row as it would be remembered. */
export function roundedRow(row: RowResult): RowResult {
  return { ...row, hidden: rounded(row.hidden), topLogprobs: rounded(row.topLogprobs) };
}

function rounded(numbers: Float32Array | null): Float32Array | null {
  return numbers === null ? null : fromHalf(toHalf(numbers));
}
