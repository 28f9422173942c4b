/**
 * Products of matrices, the one expensive operation of a network. The plain loops here are the
 * definition, in single and in double precision; `kernel/kernel-multiply.ts` is the fast way.
 */
import type { Steps } from './steps.ts';

/** Single precision for training; double precision for checking gradients. */
export type Numbers = Float32Array | Float64Array;

/** Allocates a network's numbers, which begin as 0. */
export type Allocate = (count: number) => Numbers;

/** A view: entry (row, column) is `values[row * rowStride + column * columnStride]`. */
export interface Matrix {
  readonly values: Numbers;
  readonly rowCount: number;
  readonly columnCount: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** [rowCount x columnCount], row after row; `values` may be longer. */
export function matrix(values: Numbers, rowCount: number, columnCount: number): Matrix {
  return { values, rowCount, columnCount, rowStride: columnCount, columnStride: 1 };
}

/** The same numbers, with rows and columns exchanged. */
export function transposed(view: Matrix): Matrix {
  return {
    values: view.values,
    rowCount: view.columnCount,
    columnCount: view.rowCount,
    rowStride: view.columnStride,
    columnStride: view.rowStride,
  };
}

/**
 * Writes the product to `out`, [a.rowCount x b.columnCount] in row-major order. The columns of a
 * match the rows of b.
 */
export type Multiply = (a: Matrix, b: Matrix, out: Numbers) => Steps<void>;

/** The definition. Sums are kept in double precision. */
export function* plainMultiply(a: Matrix, b: Matrix, out: Numbers): Steps<void> {
  for (let row = 0; row < a.rowCount; row += 1) {
    for (let column = 0; column < b.columnCount; column += 1) {
      out[row * b.columnCount + column] = entry(a, b, row, column);
    }
    yield;
  }
}

function entry(a: Matrix, b: Matrix, row: number, column: number): number {
  let sum = 0;
  let left = row * a.rowStride;
  let right = column * b.columnStride;
  for (let index = 0; index < a.columnCount; index += 1) {
    sum += (a.values[left] as number) * (b.values[right] as number);
    left += a.columnStride;
    right += b.rowStride;
  }
  return sum;
}
