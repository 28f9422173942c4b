/** Picks the way through a row: the kernel for large ordinary rows, the plain loops for all others. */
import { KernelRow } from './kernel/kernel-row.ts';
import { sharedKernel } from './kernel/row-kernel.ts';
import type { LogitRow } from './logit-row.ts';
import { PlainRow } from './plain-row.ts';

/** Below this size the plain loops are as fast. */
const KERNEL_SIZE_MIN = 1024;

/**
 * @param logits at least `size` entries, which must not change while the row is in use
 * @returns the row, valid until the next call
 */
export function openRow(logits: Float32Array, size: number): LogitRow {
  const kernel = size < KERNEL_SIZE_MIN ? null : sharedKernel();
  const row = kernel === null ? null : KernelRow.open(kernel, logits, size);
  return row ?? new PlainRow(logits, size);
}
