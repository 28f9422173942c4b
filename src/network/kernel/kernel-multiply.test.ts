import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noiseKey, noiseUniform } from '../../core/noise.ts';
import { type Matrix, matrix, plainMultiply, transposed } from '../matrix.ts';
import { atOnce } from '../steps.ts';
import { fastMultiply } from './kernel-multiply.ts';
import { openMatrixKernel } from './matrix-kernel.ts';

function random(count: number, seed: number): Float32Array {
  const key = noiseKey(seed, 0, 'coin');
  return Float32Array.from({ length: count }, (_, at) => 2 * noiseUniform(key, at) - 1);
}

function view(rows: number, columns: number, isTransposed: boolean, seed: number): Matrix {
  const values = random(rows * columns, seed);
  return isTransposed ? transposed(matrix(values, columns, rows)) : matrix(values, rows, columns);
}

const size = fc.integer({ min: 1, max: 40 });
const case_ = fc.record({
  rows: size,
  depth: size,
  columns: size,
  left: fc.boolean(),
  right: fc.boolean(),
  seed: fc.nat(1000),
});

/** Longer than needed and full of other numbers, like the memory of a longer batch. */
const dirty = (count: number): Float32Array => new Float32Array(count + 7).fill(99);

describe('products through the kernel', () => {
  it('run in a kernel on this machine', () => {
    expect(openMatrixKernel()).not.toBeNull();
  });

  it('equal those of the plain loops in every layout, one after another', () => {
    const multiply = fastMultiply();
    fc.assert(
      fc.property(case_, ({ rows, depth, columns, left, right, seed }) => {
        const a = view(rows, depth, left, seed);
        const b = view(depth, columns, right, seed + 1);
        const [fast, plain] = [dirty(rows * columns), dirty(rows * columns)];
        atOnce(multiply(a, b, fast));
        atOnce(plainMultiply(a, b, plain));
        const worst = Math.max(...fast.map((value, at) => Math.abs(value - (plain[at] as number))));
        expect(worst).toBeLessThan(1e-6 * depth);
        expect(fast.at(rows * columns)).toBe(99);
      }),
      { numRuns: 300 },
    );
  });

  it('are computed in parts if they are large, with the same bits each time', () => {
    const [a, b] = [view(96, 512, false, 1), view(512, 1600, true, 2)];
    const [first, second, plain] = [dirty(96 * 1600), dirty(96 * 1600), dirty(96 * 1600)];
    const parts = [...fastMultiply()(a, b, first)].length;
    // Two parts for packing, and 96 · 512 · 1600 multiplications in parts of 2^23.
    expect(parts).toBeGreaterThanOrEqual(11);
    atOnce(fastMultiply()(a, b, second));
    expect(Buffer.from(second.buffer).equals(Buffer.from(first.buffer))).toBe(true);
    atOnce(plainMultiply(a, b, plain));
    const worst = first.reduce(
      (most, value, at) => Math.max(most, Math.abs(value - (plain[at] as number))),
      0,
    );
    expect(worst).toBeLessThan(1e-4);
  });

  it('stay exact in double precision', () => {
    const [a, b] = [
      matrix(new Float64Array([1, 1e-12]), 1, 2),
      matrix(new Float64Array([1, 1]), 2, 1),
    ];
    const out = new Float64Array(1);
    atOnce(fastMultiply()(a, b, out));
    expect(out[0]).toBe(1 + 1e-12);
  });
});
