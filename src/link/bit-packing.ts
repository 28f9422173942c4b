/**
 * Columns of unsigned integers with fixed widths, packed row after row without gaps: the first bit of a
 * value is its least significant one, and fills a byte from its least significant bit. The last byte is
 * filled up with zeros.
 */
import { invariant } from '../core/invariant.ts';
import { frameInvalid } from './frame-invalid.ts';

/** Values of more bits would not fit beside the 7 bits that wait for a whole byte. */
const WIDTH_MAX = 24;

export interface Column {
  readonly values: ArrayLike<number>;
  /** The bits of each value, from 0 to `WIDTH_MAX`. */
  readonly width: number;
}

export function packedByteCount(rowCount: number, widths: readonly number[]): number {
  return Math.ceil((rowCount * widths.reduce((sum, width) => sum + width, 0)) / 8);
}

/** @param columns all of one length */
export function pack(columns: readonly Column[]): Uint8Array {
  const rowCount = columns[0]?.values.length ?? 0;
  const widths = columns.map(({ width }) => width);
  for (const { values, width } of columns) checkWidth(values, width);
  const bytes = new Uint8Array(packedByteCount(rowCount, widths));
  let at = 0;
  let waiting = 0;
  let waitingCount = 0;
  for (let row = 0; row < rowCount; row += 1) {
    for (const { values, width } of columns) {
      const value = values[row] as number;
      waiting |= value << waitingCount;
      waitingCount += width;
      for (; waitingCount >= 8; waitingCount -= 8) {
        bytes[at] = waiting;
        at += 1;
        waiting >>>= 8;
      }
    }
  }
  if (waitingCount > 0) bytes[at] = waiting;
  return bytes;
}

function checkWidth(values: ArrayLike<number>, width: number): void {
  const max = 2 ** width - 1;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row] as number;
    invariant(value >>> 0 === value && value <= max, 'an integer fits its bits');
  }
}

/**
 * @param bytes of exactly `packedByteCount`
 * @returns [widths.length][rowCount]
 * @throws PilotfishError `frame-invalid` if the last byte is not filled up with zeros
 */
export function unpack(
  bytes: Uint8Array,
  rowCount: number,
  widths: readonly number[],
): Uint32Array[] {
  invariant(Math.max(...widths) <= WIDTH_MAX, `a value has at most ${WIDTH_MAX} bits`);
  const columns = widths.map((width) => ({ values: new Uint32Array(rowCount), width }));
  let at = 0;
  let waiting = 0;
  let waitingCount = 0;
  for (let row = 0; row < rowCount; row += 1) {
    for (const { values, width } of columns) {
      for (; waitingCount < width; waitingCount += 8) {
        waiting |= (bytes[at] as number) << waitingCount;
        at += 1;
      }
      values[row] = waiting & (2 ** width - 1);
      waiting >>>= width;
      waitingCount -= width;
    }
  }
  if (waiting !== 0) throw frameInvalid('padding', waiting, '0');
  return columns.map(({ values }) => values);
}
