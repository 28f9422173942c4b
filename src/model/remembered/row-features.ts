/**
 * The features of rows beside their scores: the inputs of learned routers. They are many numbers,
 * so they are computed and kept only on request, in half precision. A router is trained on
 * remembered rows and must see the same numbers on a row that was just computed, so computed
 * features are rounded too.
 */
import { fromHalf, toHalf } from '../../core/half.ts';
import type { RowResult } from '../../core/row-program.ts';
import type { RowReads } from '../../core/row-reads.ts';

export type RowFeatures = Pick<RowReads, 'hidden' | 'topLogprobs'>;

/** The row as it would be remembered. */
export function roundedRow(row: RowResult): RowResult {
  return { ...row, hidden: rounded(row.hidden), topLogprobs: rounded(row.topLogprobs) };
}

function rounded(numbers: Float32Array | null): Float32Array | null {
  return numbers === null ? null : fromHalf(toHalf(numbers));
}
