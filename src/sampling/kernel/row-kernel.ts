/**
 * The kernel's memory and its functions, typed. All callers share one instance: rows are read one at
 * a time, in synchronous calls, so a single scratch memory is enough. It grows to the largest
 * vocabulary seen and keeps that size: 12 bytes per entry and 27 kB, 1.8 MB for 152,000.
 *
 *    row      entryCount floats, padded with -Infinity to whole blocks
 *    maxima   blockCount floats, padded with -Infinity to whole vectors
 *    sums     4 doubles
 *    results  entryCount doubles: exponentials, or as integers the collected ids
 *    depths   DEPTH_COUNT integers
 */
import { ROW_KERNEL_BYTES } from './row-kernel-bytes.ts';

/** Entries per block; the kernel is written for this size. */
export const BLOCK_SIZE = 256;
const BLOCK_BYTES = 4 * BLOCK_SIZE;
const VECTOR_BYTES = 16;
const SUMS_BYTES = 32;
const PAGE_BYTES = 65536;
/** Buckets of depths per factor of 2, and from 2^-6 to 2^7 with one for all that is deeper. */
const DEPTHS_PER_OCTAVE = 512;
export const DEPTH_COUNT: number = 13 * DEPTHS_PER_OCTAVE + 1;
/** Is added to a depth, so that it has a logarithm. */
const DEPTH_OFFSET = 2 ** -6;
/** Ids stay below this bound, so that an id and a logit's order fit into one double. */
export const ENTRY_COUNT_MAX: number = 2 ** 21;
/** Below this exponent e^d counts as 0, as in the plain loops: it is lost in a sum of doubles. */
export const EXPONENT_MIN: number = -64 * Math.LN2;

/** The exports of `row-kernel.wat`. The unit test that rebuilds the bytes also calls each of them. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  scan(row: number, end: number, maxima: number): number;
  find(at: number, end: number, value: number): number;
  count(row: number, maxima: number, maximaEnd: number, least: number): number;
  collect(row: number, maxima: number, maximaEnd: number, least: number, out: number): number;
  exponentials(
    ...args: [
      ...blocks: [row: number, maxima: number, maximaEnd: number],
      ...terms: [max: number, scale: number, cut: number],
      ...places: [out: number, stride: number, sums: number],
    ]
  ): void;
  multiply(at: number, end: number, factor: number): void;
  contender(
    ...args: [
      ...entries: [id: number, row: number, size: number, maxima: number],
      ...bound: [max: number, scale: number, offset: number],
      ...key: [a: number, b: number],
    ]
  ): number;
  countDepths(row: number, end: number, max: number, counts: number): void;
}

/** The parts of the global `WebAssembly` that are used. TypeScript's own types do not declare it. */
interface WebAssemblyGlobal {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** A lower bound on an entry that can win a draw: see `contender` in `row-kernel.wat`. */
export interface DrawBound {
  readonly scale: number;
  readonly offset: number;
  readonly keyA: number;
  readonly keyB: number;
}

export class RowKernel {
  readonly #exports: Exports;
  #entryCount = 0;
  #size = 0;
  #loadCount = 0;
  #maxima = 0;
  #maximaEnd = 0;
  #sums = 0;
  #results = 0;
  #rowView: Float32Array = new Float32Array(0);
  #bitView: Uint32Array = new Uint32Array(0);
  #maximaView: Float32Array = new Float32Array(0);
  #sumsView: Float64Array = new Float64Array(0);
  #idView: Int32Array = new Int32Array(0);
  #depths = 0;
  #depthView: Int32Array = new Int32Array(0);
  #resultView: Float64Array = new Float64Array(0);

  constructor(exports: Exports) {
    this.#exports = exports;
  }

  /** @returns null if WebAssembly, its vectors or memory for them is missing */
  static create(): RowKernel | null {
    const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyGlobal };
    const bytes = Buffer.from(ROW_KERNEL_BYTES, 'base64');
    if (WebAssembly?.validate(bytes) !== true) return null;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    // The bytes are those of row-kernel.wat, which exports exactly this.
    return new RowKernel(exports as Exports);
  }

  /** The number of rows loaded so far. It tells whether the row in memory is still the same. */
  get loadCount(): number {
    return this.#loadCount;
  }

  /** The loaded entries, with padding. Callers must not write to them. */
  get row(): Float32Array {
    return this.#rowView;
  }

  /** The bit patterns of the entries. */
  get bits(): Uint32Array {
    return this.#bitView;
  }

  /** The largest entry of each block. */
  get maxima(): Float32Array {
    return this.#maximaView;
  }

  /**
   * Copies the first `size` entries of a row in.
   * @returns the largest entry; NaN if any is NaN; null if the memory cannot grow to this size
   */
  load(logits: Float32Array, size: number): number | null {
    this.#loadCount += 1;
    if (!this.#fit(size)) return null;
    if (size !== this.#size) this.#rowView.fill(Number.NEGATIVE_INFINITY, size);
    this.#size = size;
    this.#rowView.set(logits.length === size ? logits : logits.subarray(0, size));
    return this.#exports.scan(0, 4 * this.#entryCount, this.#maxima);
  }

  /** The lowest id whose entry equals the row's largest. */
  firstOf(max: number): number {
    const at = this.#exports.find(this.#maxima, this.#maximaEnd, max);
    const block = ((at - this.#maxima) / 4) * BLOCK_BYTES;
    return this.#exports.find(block, block + BLOCK_BYTES, max) / 4;
  }

  /** The number of entries that are at least `least`, a finite float. */
  count(least: number): number {
    return this.#exports.count(0, this.#maxima, this.#maximaEnd, least);
  }

  /**
   * The ids of the entries that are at least `least`, a finite float, in ascending order.
   * @returns a view; the next call that fills `results` overwrites it
   */
  collect(least: number): Int32Array {
    const { collect } = this.#exports;
    const count = collect(0, this.#maxima, this.#maximaEnd, least, this.#results);
    return this.#idView.subarray(0, count);
  }

  /** Σ e^d and Σ d·e^d over the entries with d = logit - max above `cut` (at least EXPONENT_MIN). */
  sums(max: number, cut: number): { readonly sum: number; readonly weighted: number } {
    this.#exponentials(max, 1, cut, 0);
    const [a = 0, b = 0, c = 0, d = 0] = this.#sumsView;
    return { sum: a + b, weighted: c + d };
  }

  /** [size] e^((logit - max) * scale), divided by their sum. Owns its memory. */
  softmax(max: number, scale: number): Float64Array {
    this.#exponentials(max, scale, EXPONENT_MIN, 8 * BLOCK_SIZE);
    const [a = 0, b = 0] = this.#sumsView;
    const end = this.#results + 8 * this.#entryCount;
    this.#exports.multiply(this.#results, end, 1 / (a + b));
    return this.#resultView.slice(0, this.#size);
  }

  /**
   * The first group of four ids, from `id` on, in which an id could win a draw; -1 if there is none.
   */
  contender(id: number, max: number, { scale, offset, keyA, keyB }: DrawBound): number {
    const { contender } = this.#exports;
    return contender(id, 0, this.#entryCount, this.#maxima, max, scale, offset, keyA, keyB);
  }

  /**
   * [DEPTH_COUNT] numbers of entries by their depth `max` - logit, in the buckets of `depthOf`.
   * @returns a view; the next call overwrites it
   */
  countDepths(max: number): Int32Array {
    this.#depthView.fill(0);
    this.#exports.countDepths(0, 4 * this.#entryCount, max, this.#depths);
    return this.#depthView;
  }

  #exponentials(max: number, scale: number, cut: number, stride: number): void {
    const { exponentials } = this.#exports;
    const [start, end] = [this.#maxima, this.#maximaEnd];
    exponentials(0, start, end, max, scale, cut, this.#results, stride, this.#sums);
  }

  /** Lays the memory out for rows of `size` entries. @returns false if there is not enough memory */
  #fit(size: number): boolean {
    if (size > ENTRY_COUNT_MAX) return false;
    const blockCount = Math.ceil(size / BLOCK_SIZE);
    if (blockCount * BLOCK_SIZE === this.#entryCount) return true;
    const entryCount = blockCount * BLOCK_SIZE;
    const maxima = 4 * entryCount;
    const sums = maxima + Math.ceil((4 * blockCount) / VECTOR_BYTES) * VECTOR_BYTES;
    const results = sums + SUMS_BYTES;
    const { memory } = this.#exports;
    const depths = results + 8 * entryCount;
    const missing = depths + 4 * DEPTH_COUNT - memory.buffer.byteLength;
    if (missing > 0 && !grows(memory, Math.ceil(missing / PAGE_BYTES))) return false;
    const { buffer } = memory;
    this.#entryCount = entryCount;
    // The end of the loaded row has moved, so the next load must pad it again.
    this.#size = 0;
    this.#maxima = maxima;
    this.#maximaEnd = maxima + 4 * blockCount;
    this.#sums = sums;
    this.#results = results;
    this.#rowView = new Float32Array(buffer, 0, entryCount);
    this.#bitView = new Uint32Array(buffer, 0, entryCount);
    this.#maximaView = new Float32Array(buffer, maxima, blockCount);
    this.#sumsView = new Float64Array(buffer, sums, SUMS_BYTES / 8);
    this.#idView = new Int32Array(buffer, results, entryCount);
    this.#resultView = new Float64Array(buffer, results, entryCount);
    this.#depths = depths;
    this.#depthView = new Int32Array(buffer, depths, DEPTH_COUNT);
    new Float32Array(buffer, maxima, (sums - maxima) / 4).fill(Number.NEGATIVE_INFINITY);
    return true;
  }
}

/** The depth in the middle of a bucket, in nats; the depth of the largest entry is 0 exactly. */
export function depthOf(bucket: number): number {
  if (bucket === 0) return 0;
  const octave = Math.floor(bucket / DEPTHS_PER_OCTAVE);
  const part = (bucket % DEPTHS_PER_OCTAVE) + 0.5;
  return DEPTH_OFFSET * (2 ** octave * (1 + part / DEPTHS_PER_OCTAVE) - 1);
}

function grows(memory: Exports['memory'], pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false;
  }
}

let shared: RowKernel | null | undefined;

/** The kernel of this process, created at the first call; null if it cannot be created. */
export function sharedKernel(): RowKernel | null {
  if (shared === undefined) shared = RowKernel.create();
  return shared;
}
