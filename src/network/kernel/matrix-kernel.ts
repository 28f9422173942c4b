/**
 * The kernel's functions, typed, and the panels that they read. Each user has an instance, and thus a
 * memory, of its own, because trainings run side by side in parts.
 *
 *    left panel   [depth x 4]   4 rows of a left matrix, padded with rows of 0
 *    right panel  [depth x 8]   8 columns of a right matrix, padded with columns of 0
 */
import type { Matrix } from '../matrix.ts';
import { MATRIX_KERNEL_BYTES } from './matrix-kernel-bytes.ts';

/** Rows of a left panel. The kernel is written for this size. */
export const LEFT_WIDTH = 4;
/** Columns of a right panel, and units of a layer's panel. */
export const RIGHT_WIDTH = 8;
const PAGE_BYTES = 65536;

/** The exports of `matrix-kernel.wat`. Addresses and sizes are in bytes; places are multiples of 4. */
export interface MatrixKernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  multiply(
    ...args: [
      ...left: [from: number, end: number, panelBytes: number],
      ...right: [from: number, end: number],
      ...out: [at: number, rowBytes: number],
    ]
  ): void;
  layer(
    ...args: [
      ...inputs: [from: number, end: number],
      ...panels: [from: number, end: number],
      ...rest: [biases: number, floor: number, out: number],
    ]
  ): void;
}

/** The parts of the global `WebAssembly` that are used. TypeScript's own types do not declare it. */
interface WebAssemblyGlobal {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

let compiled: (() => MatrixKernel) | null | undefined;

/** @returns null if WebAssembly or its vectors are missing */
export function openMatrixKernel(): MatrixKernel | null {
  if (compiled === undefined) compiled = compile();
  return compiled === null ? null : compiled();
}

function compile(): (() => MatrixKernel) | null {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyGlobal };
  const bytes = Buffer.from(MATRIX_KERNEL_BYTES, 'base64');
  if (WebAssembly?.validate(bytes) !== true) return null;
  const module = new WebAssembly.Module(bytes);
  // The bytes are those of matrix-kernel.wat, which exports exactly this.
  return () => new WebAssembly.Instance(module).exports as MatrixKernel;
}

/** Grows the memory to `byteCount` bytes. @returns false if there is not enough memory */
export function reserve({ memory }: MatrixKernel, byteCount: number): boolean {
  const missing = byteCount - memory.buffer.byteLength;
  if (missing <= 0) return true;
  try {
    memory.grow(Math.ceil(missing / PAGE_BYTES));
    return true;
  } catch {
    return false;
  }
}

/** The number of floats in the panels of `count` rows or columns. */
export function panelsSize(count: number, width: number, depth: number): number {
  return Math.ceil(count / width) * width * depth;
}

/** Writes all columns of `right`, in panels of `width` (a multiple of 4), to the start of `out`. */
export function packColumns(right: Matrix, width: number, out: Float32Array): void {
  const { rowCount, columnCount } = right;
  for (let first = 0; first < columnCount; first += width) {
    const panel = out.subarray(first * rowCount, (first + width) * rowCount);
    for (let lane = 0; lane < width; lane += 4) packFour(right, first + lane, panel, lane, width);
  }
}

/** Copies four columns, from `first` on, to the lanes of a panel. Columns beyond the last one are 0. */
function packFour(
  { values, rowCount, columnCount, rowStride, columnStride }: Matrix,
  first: number,
  panel: Float32Array,
  lane: number,
  width: number,
): void {
  let from = first * columnStride;
  let at = lane;
  if (first + 4 <= columnCount) {
    // Written out, because this loop is a tenth of the time of a product.
    for (let row = 0; row < rowCount; row += 1) {
      panel[at] = values[from] as number;
      panel[at + 1] = values[from + columnStride] as number;
      panel[at + 2] = values[from + 2 * columnStride] as number;
      panel[at + 3] = values[from + 3 * columnStride] as number;
      from += rowStride;
      at += width;
    }
    return;
  }
  for (let row = 0; row < rowCount; row += 1) {
    for (let column = 0; column < 4; column += 1) {
      const isThere = first + column < columnCount;
      panel[at + column] = isThere ? (values[from + column * columnStride] as number) : 0;
    }
    from += rowStride;
    at += width;
  }
}
