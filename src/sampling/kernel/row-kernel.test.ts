import { afterEach, describe, expect, it, vi } from 'vitest';
import { openRow } from '../open-row.ts';
import { PlainRow } from '../plain-row.ts';
import { KernelRow } from './kernel-row.ts';
import { ENTRY_COUNT_MAX, RowKernel } from './row-kernel.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

interface Own {
  readonly Module: unknown;
  readonly Instance: new (module: object) => { exports: { memory: { buffer: ArrayBuffer } } };
  validate(): boolean;
}

/** Replaces parts of the global `WebAssembly`, which TypeScript's own types do not declare. */
function stubWebAssembly(change: (own: Own) => object): void {
  const { Module, Instance } = Object(Reflect.get(globalThis, 'WebAssembly'));
  vi.stubGlobal('WebAssembly', change({ Module, Instance, validate: () => true }));
}

const ROW = Float32Array.from({ length: 2000 }, (_, id) => (id * 37) % 101);

describe('a kernel', () => {
  it('grows with the vocabulary, and reads smaller rows afterwards', () => {
    const kernel = RowKernel.create();
    for (const size of [10, 2000, 1999, 513, 200_000, 1, 2000]) {
      const row = Float32Array.from({ length: size }, (_, id) => (id * 37) % 101);
      expect(kernel?.load(row, size)).toBe(Math.max(...row.slice(0, 101)));
      expect(kernel?.firstOf(row.indexOf(100) < 0 ? Math.max(...row) : 100)).toBe(
        new PlainRow(row, size).argmax(),
      );
      expect(kernel?.count(0)).toBe(size);
    }
  });

  it('is null without WebAssembly, or without its vectors', () => {
    stubWebAssembly((own) => ({ ...own, validate: () => false }));
    expect(RowKernel.create()).toBeNull();
    vi.stubGlobal('WebAssembly', undefined);
    expect(RowKernel.create()).toBeNull();
  });

  it('refuses a row that does not fit in its memory', () => {
    const kernel = RowKernel.create();
    expect(kernel?.load(new Float32Array(ENTRY_COUNT_MAX + 1), ENTRY_COUNT_MAX + 1)).toBeNull();
    stubWebAssembly((own) => ({
      ...own,
      Instance: class {
        readonly exports: object;
        constructor(module: object) {
          const { exports } = new own.Instance(module);
          const { buffer } = exports.memory;
          const grow = (): never => {
            throw new RangeError('Maximum memory size exceeded');
          };
          this.exports = { ...exports, memory: { buffer, grow } };
        }
      },
    }));
    const small = RowKernel.create();
    expect(small?.load(ROW, 2000)).toBe(100);
    expect(small?.load(new Float32Array(100_000), 100_000)).toBeNull();
    expect(small?.load(ROW, 2000)).toBe(100);
  });
});

describe('openRow', () => {
  it('gives large ordinary rows to the kernel and all others to the plain loops', () => {
    expect(openRow(ROW, 2000)).toBeInstanceOf(KernelRow);
    expect(openRow(ROW, 100)).toBeInstanceOf(PlainRow);
    expect(openRow(ROW.with(7, Number.NaN), 2000)).toBeInstanceOf(PlainRow);
    const masked = new Float32Array(2000).fill(Number.NEGATIVE_INFINITY);
    expect(openRow(masked, 2000)).toBeInstanceOf(PlainRow);
  });
});
