/**
 * Products of matrices through the kernel. Both matrices are packed into panels, so that one routine
 * serves every layout. Sums are kept in single precision. The same product always adds in the same
 * order, and thus gives the same bits.
 */
import { type Matrix, type Multiply, type Numbers, plainMultiply, transposed } from '../matrix.ts';
import type { Steps } from '../steps.ts';
import {
  LEFT_WIDTH,
  type MatrixKernel,
  openMatrixKernel,
  packColumns,
  panelsSize,
  RIGHT_WIDTH,
  reserve,
} from './matrix-kernel.ts';

/**
 * The number of multiplications between two turns of the event loop: less than a millisecond when
 * compiled well.
 */
const PART = 2 ** 23;

/** A product with its own memory; the plain product if there is no kernel. */
export function fastMultiply(): Multiply {
  const kernel = openMatrixKernel();
  return kernel === null ? plainMultiply : kernelMultiply(kernel);
}

/** @param kernel must have no other user */
export function kernelMultiply(kernel: MatrixKernel): Multiply {
  return function* multiply(a, b, out): Steps<void> {
    const layout = layoutOf(a, b);
    const isSingle = a.values instanceof Float32Array && out instanceof Float32Array;
    const fits = isSingle && reserve(kernel, layout.end);
    if (fits) yield* product(kernel, layout, { a, b, out });
    else yield* plainMultiply(a, b, out);
  };
}

/** The layout of the memory, in bytes. */
interface Layout {
  readonly leftBytes: number;
  readonly rightBytes: number;
  /** The size of one right panel. */
  readonly panelBytes: number;
  readonly outAt: number;
  readonly rowBytes: number;
  readonly end: number;
}

function layoutOf(a: Matrix, b: Matrix): Layout {
  const depth = a.columnCount;
  const leftBytes = 4 * panelsSize(a.rowCount, LEFT_WIDTH, depth);
  const rightBytes = 4 * panelsSize(b.columnCount, RIGHT_WIDTH, depth);
  // Vectors can be read at any address, but faster if they do not cross cache lines.
  const outAt = Math.ceil((leftBytes + rightBytes) / 64) * 64;
  const rowBytes = 4 * Math.ceil(b.columnCount / RIGHT_WIDTH) * RIGHT_WIDTH;
  const end = outAt + rowBytes * Math.ceil(a.rowCount / LEFT_WIDTH) * LEFT_WIDTH;
  return { leftBytes, rightBytes, panelBytes: 4 * RIGHT_WIDTH * depth, outAt, rowBytes, end };
}

function* product(
  kernel: MatrixKernel,
  { leftBytes, rightBytes, panelBytes, outAt, rowBytes, end }: Layout,
  { a, b, out }: { readonly a: Matrix; readonly b: Matrix; readonly out: Numbers },
): Steps<void> {
  const { buffer } = kernel.memory;
  packColumns(transposed(a), LEFT_WIDTH, new Float32Array(buffer, 0, leftBytes / 4));
  yield;
  packColumns(b, RIGHT_WIDTH, new Float32Array(buffer, leftBytes, rightBytes / 4));
  yield;
  const panelWork = (leftBytes / 4) * RIGHT_WIDTH;
  const partBytes = panelBytes * Math.max(1, Math.floor(PART / panelWork));
  for (let from = 0; from < rightBytes; from += partBytes) {
    const until = leftBytes + Math.min(from + partBytes, rightBytes);
    const at = outAt + (from / panelBytes) * 4 * RIGHT_WIDTH;
    const leftPanelBytes = 4 * LEFT_WIDTH * a.columnCount;
    kernel.multiply(0, leftBytes, leftPanelBytes, leftBytes + from, until, at, rowBytes);
    yield;
  }
  unpack(new Float32Array(buffer, outAt, (end - outAt) / 4), rowBytes / 4, a.rowCount, {
    out,
    columnCount: b.columnCount,
  });
}

/** Copies the rows out, without their padding. */
function unpack(
  tiles: Float32Array,
  stride: number,
  rowCount: number,
  { out, columnCount }: { readonly out: Numbers; readonly columnCount: number },
): void {
  if (stride === columnCount) {
    out.set(tiles.subarray(0, rowCount * columnCount));
    return;
  }
  for (let row = 0; row < rowCount; row += 1) {
    const from = row * stride;
    out.set(tiles.subarray(from, from + columnCount), row * columnCount);
  }
}
