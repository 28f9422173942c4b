/**
 * Features of rows beside their scores: what learned routers look at. They are many numbers, so they
 * are computed and kept only where they are asked for, and in half precision. A router that was
 * trained and runs on what is remembered must see the same numbers on a row that was just computed, so
 * these are rounded too.
 */
import { fromHalf, toHalf } from '../../core/half.ts';
import type { RowResult } from '../../core/row-program.ts';
import type { RowReads } from '../../core/row-reads.ts';

export type RowFeatures = Pick<RowReads, 'hidden' | 'topLogprobs'>;

/** A row as it would be remembered. */
export function roundedRow(row: RowResult): RowResult {
  return { ...row, hidden: rounded(row.hidden), topLogprobs: rounded(row.topLogprobs) };
}

function rounded(numbers: Float32Array | null): Float32Array | null {
  return numbers === null ? null : fromHalf(toHalf(numbers));
}
