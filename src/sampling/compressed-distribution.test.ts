import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import {
  type CompressedDistribution,
  type CompressionOptions,
  compressDistribution,
  compressedSize,
  expandDistribution,
  fromSinglePrecision,
  tokenIdBitCount,
} from './compressed-distribution.ts';
import { residualWeights } from './residual.ts';
import { truncationErrors } from './truncation-bound.ts';

/** In halves: adding 152k small numbers to one growing sum would lose more than is tested. */
function sumOf(values: Float64Array): number {
  if (values.length <= 8) return values.reduce((sum, value) => sum + value, 0);
  const half = values.length >> 1;
  return sumOf(values.subarray(0, half)) + sumOf(values.subarray(half));
}

function normalised(weights: readonly number[]): Float64Array {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return Float64Array.from(weights, (weight) => weight / sum);
}

/** Cubed, so that some tokens are far more probable than others; some have probability 0. */
const anyWeight = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  {
    weight: 4,
    arbitrary: fc.double({ min: 1e-4, max: 1, noNaN: true }).map((weight) => weight ** 3),
  },
);

const anyDistribution = (size: number): fc.Arbitrary<Float64Array> =>
  fc
    .array(anyWeight, { minLength: size, maxLength: size })
    .filter((weights) => weights.some((weight) => weight > 0))
    .map(normalised);

const anyOptions: fc.Arbitrary<CompressionOptions> = fc.record({
  tokenCount: fc.integer({ min: 1, max: 12 }),
  bitCount: fc.integer({ min: 1, max: 16 }),
  rest: fc.constantFrom('none', 'uniform'),
});

const parts = ({ tokenIds, levels }: CompressedDistribution): [number[], number[]] => [
  [...tokenIds],
  [...levels],
];

/** The output of one draft from `draftFrom`, judged with `compared`, where the target is `target`. */
function outputOf(draftFrom: Float64Array, compared: Float64Array, target: Float64Array) {
  const output = new Float64Array(target.length);
  const residual = normalised([...residualWeights(target, compared)]);
  for (const [draft, probability] of draftFrom.entries()) {
    if (probability === 0) continue;
    const wanted = target[draft] ?? 0;
    const accepted = wanted === 0 ? 0 : Math.min(1, wanted / (compared[draft] ?? 0));
    output[draft] = (output[draft] ?? 0) + probability * accepted;
    for (const [id, weight] of residual.entries()) {
      output[id] = (output[id] ?? 0) + probability * (1 - accepted) * weight;
    }
  }
  return output;
}

const variationOf = (a: Float64Array, b: Float64Array): number =>
  sumOf(a.map((value, id) => Math.abs(value - (b[id] ?? 0)))) / 2;

const largestGap = (a: Float64Array, b: Float64Array): number =>
  Math.max(...a.map((value, id) => Math.abs(value - (b[id] ?? 0))));

describe('lossless compression', () => {
  it('gives the most probable token the top level and scales the others to it', () => {
    const options = { tokenCount: 3, bitCount: 8, rest: 'none' } as const;
    const compressed = compressDistribution(Float64Array.of(0.1, 0.5, 0.15, 0.25), options);
    // 255, 127.5 and 76.5, rounded up.
    expect(parts(compressed)).toEqual([
      [1, 3, 2],
      [255, 128, 77],
    ]);
    expect([...expandDistribution(compressed, 4)]).toEqual([0, 255 / 460, 77 / 460, 128 / 460]);
  });

  it('leaves out tokens whose level is 0, never the most probable one', () => {
    const flat = Float64Array.from({ length: 2000 }, () => 1 / 2000);
    const options = { tokenCount: 4, bitCount: 2, rest: 'none' } as const;
    expect(parts(compressDistribution(Float64Array.of(0.9, 0.08, 0.02), options))).toEqual([
      [0],
      [3],
    ]);
    expect(parts(compressDistribution(flat, options))).toEqual([
      [0, 1, 2, 3],
      [3, 3, 3, 3],
    ]);
    expect(parts(compressDistribution(Float64Array.of(0, 0, 1), options))).toEqual([[2], [3]]);
  });

  it('keeps the target distribution exactly, for a draft from the compressed one', () => {
    const anyCase = fc
      .integer({ min: 1, max: 7 })
      .chain((size) => fc.tuple(anyDistribution(size), anyDistribution(size), anyOptions));
    fc.assert(
      fc.property(anyCase, ([x, y, options]) => {
        const compressed = compressDistribution(x, options);
        const shared = expandDistribution(compressed, x.length);
        expect(largestGap(outputOf(shared, shared, y), y)).toBeLessThan(1e-12);
      }),
      { numRuns: runs(300, 5000) },
    );
  });

  it('would not, for a draft from the distribution before compression', () => {
    const [x, y] = [Float64Array.of(0.6, 0.3, 0.1), Float64Array.of(0.5, 0.2, 0.3)];
    for (const rest of ['none', 'uniform'] as const) {
      const compressed = compressDistribution(x, { tokenCount: 1, bitCount: 8, rest });
      const output = outputOf(x, expandDistribution(compressed, 3), y);
      expect(sumOf(output)).toBeCloseTo(1, 12);
      expect(largestGap(output, y)).toBeGreaterThan(0.01);
    }
  });
});

describe("the paper's compression", () => {
  const options = { tokenCount: 2, bitCount: 8, rest: 'uniform' } as const;

  it('spreads the mass that the kept tokens lack over all others', () => {
    const compressed = compressDistribution(Float64Array.of(0.1, 0.6, 0.05, 0.25), options);
    expect(parts(compressed)).toEqual([
      [1, 3],
      [153, 64],
    ]);
    const other = 38 / 255 / 2;
    expect([...expandDistribution(compressed, 4)]).toEqual([other, 153 / 255, other, 64 / 255]);
  });

  it('shares the mass among the kept tokens where rounding makes them exceed 1', () => {
    // Levels of 1 bit: 0.5 is rounded up to 1.
    const compressed = compressDistribution(Float64Array.of(0.5, 0.5, 0), {
      ...options,
      bitCount: 1,
    });
    expect(parts(compressed)).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect([...expandDistribution(compressed, 3)]).toEqual([0.5, 0.5, 0]);
  });

  it('shares the mass among the kept tokens where no other token is left', () => {
    const compressed = compressDistribution(normalised([1, 1, 1]), {
      ...options,
      tokenCount: 3,
      bitCount: 3,
    });
    // 7/3 is rounded to 2: three levels of 2 lack 1.
    expect([...compressed.levels]).toEqual([2, 2, 2]);
    expect([...expandDistribution(compressed, 3)]).toEqual([1 / 3, 1 / 3, 1 / 3]);
    const single = Float64Array.of(1);
    expect([...expandDistribution(compressDistribution(single, options), 1)]).toEqual([1]);
  });

  it('changes the output by at most half of the error that the bound on k counts', () => {
    const anyCase = fc
      .integer({ min: 1, max: 12 })
      .chain((size) =>
        fc.tuple(anyDistribution(size), anyDistribution(size), fc.integer({ min: 1, max: size })),
      );
    fc.assert(
      fc.property(anyCase, ([x, y, k]) => {
        const compressed = compressDistribution(x, { ...options, tokenCount: k, bitCount: 16 });
        const compared = expandDistribution(compressed, x.length);
        const variation = variationOf(outputOf(x, compared, y), y);
        expect(variation).toBeLessThanOrEqual(variationOf(x, compared) + 1e-12);
        // The bound ignores that levels are rounded.
        const error = truncationErrors(x)[k] ?? expect.fail('an error for every k');
        expect(variation).toBeLessThanOrEqual(error / 2 + x.length / 65535);
      }),
      { numRuns: runs(300, 5000) },
    );
  });

  it('keeps no token of a distribution that is too flat, and then means the uniform one', () => {
    const flat = Float64Array.from({ length: 1000 }, () => 1 / 1000);
    const compressed = compressDistribution(flat, options);
    expect(parts(compressed)).toEqual([[], []]);
    expect(expandDistribution(compressed, 1000)).toEqual(flat);
  });
});

describe('every compressed distribution', () => {
  const anyCase = fc
    .integer({ min: 1, max: 40 })
    .chain((size) => fc.tuple(anyDistribution(size), anyOptions));

  it('has distinct tokens with falling levels from 1 to the top', () => {
    fc.assert(
      fc.property(anyCase, ([x, options]) => {
        const { tokenIds, levels } = compressDistribution(x, options);
        expect(levels).toHaveLength(tokenIds.length);
        expect(tokenIds.length).toBeLessThanOrEqual(options.tokenCount);
        expect(new Set(tokenIds).size).toBe(tokenIds.length);
        expect([...levels].sort((a, b) => b - a)).toEqual([...levels]);
        for (const level of levels) {
          expect(level).toBeGreaterThanOrEqual(1);
          expect(level).toBeLessThan(2 ** options.bitCount);
        }
        if (options.rest === 'none') expect(levels[0]).toBe(2 ** options.bitCount - 1);
      }),
      { numRuns: runs(200, 2000) },
    );
  });

  it('expands to probabilities that sum to 1 and are near the original ones', () => {
    fc.assert(
      fc.property(anyCase, ([x, options]) => {
        const expanded = expandDistribution(compressDistribution(x, options), x.length);
        expect(Math.min(...expanded)).toBeGreaterThanOrEqual(0);
        expect(Math.abs(sumOf(expanded) - 1)).toBeLessThan(1e-12);
        // All tokens kept in 16 bits: each is off by half a level, and their sum by half a level each.
        if (options.tokenCount < x.length || options.bitCount < 16) return;
        expect(largestGap(expanded, x)).toBeLessThan((x.length + 1) / 65535);
      }),
      { numRuns: runs(200, 2000) },
    );
  });

  it('sums to 1 with a vocabulary of 152k tokens', () => {
    const weights = Array.from({ length: 151_936 }, (_, id) => 1 / (((id * 7919) % 151_936) + 3));
    const x = normalised(weights);
    for (const rest of ['none', 'uniform'] as const) {
      for (const tokenCount of [1, 30, 151_936]) {
        const compressed = compressDistribution(x, { tokenCount, bitCount: 16, rest });
        expect(Math.abs(sumOf(expandDistribution(compressed, x.length)) - 1)).toBeLessThan(1e-12);
      }
    }
  });
});

describe('the size of compressed entries', () => {
  it.each([
    [32_000, 32_000, 8, 92_000],
    [32_000, 30, 8, 86.25],
    [151_936, 151_936, 8, 493_792],
    [151_936, 30, 8, 97.5],
    [151_936, 4, 8, 13],
    [151_936, 1, 16, 4.25],
  ])('with V = %i, k = %i and %i bits is %d bytes', (vocabularySize, k, bitCount, bytes) => {
    expect(compressedSize(k, bitCount, vocabularySize)).toBe(bytes);
  });

  it('has ceil(log2 V) bits for a token id', () => {
    for (const size of [1, 2, 3, 4, 5, 1024, 1025, 32_000, 151_936, 2 ** 18, 2 ** 24]) {
      expect(tokenIdBitCount(size)).toBe(Math.ceil(Math.log2(size)));
    }
  });
});

describe('fromSinglePrecision', () => {
  it('sums to 1 where single precision does not', () => {
    const single = Float32Array.from({ length: 10 }, () => 0.1);
    expect(single.reduce((sum, value) => sum + value, 0)).not.toBe(1);
    expect([...fromSinglePrecision(single)]).toEqual(Array.from(single, () => 0.1));
  });

  it('keeps the target distribution exactly, for a draft from it', () => {
    const anyCase = fc
      .integer({ min: 1, max: 7 })
      .chain((size) => fc.tuple(anyDistribution(size), anyDistribution(size)));
    fc.assert(
      fc.property(anyCase, ([x, y]) => {
        const shared = fromSinglePrecision(Float32Array.from(x));
        expect(largestGap(outputOf(shared, shared, y), y)).toBeLessThan(1e-12);
      }),
      { numRuns: runs(100, 2000) },
    );
  });
});
