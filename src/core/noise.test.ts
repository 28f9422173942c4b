import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GUMBEL_MAX,
  gumbelFromBits,
  type NoisePurpose,
  noiseBits,
  noiseGumbel,
  noiseKey,
  noiseUniform,
  seedOfDraw,
  uniformFromBits,
} from './noise.ts';

const PURPOSES: readonly NoisePurpose[] = ['sample', 'draft', 'accept', 'residual', 'coin'];
const BITS_MAX = 4294967295;

const anySeed = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const anyPosition = fc.nat({ max: 1_000_000 });
const anyPurpose = fc.constantFrom(...PURPOSES);

/** Bits drawn by version 0.1.0; a change here changes every seeded text. */
const FROZEN = [
  46224265, 447600985, 1158258065, 3127084411, 1702151574, 275743987, 1583959090, 1291370166,
  3441070815,
];

type Stream = (n: number) => number;

/** Streams of uniforms, each of which varies one part of the key. */
const STREAMS: Readonly<Record<string, Stream>> = {
  'along tokens': (n) => noiseUniform(noiseKey(7, 3, 'sample'), n),
  'along positions': (n) => noiseUniform(noiseKey(7, n, 'sample')),
  'along positions of the coin': (n) => noiseUniform(noiseKey(0, n, 'coin')),
  'along seeds': (n) => noiseUniform(noiseKey(n, 12, 'sample')),
  'along negative seeds': (n) => noiseUniform(noiseKey(-n, 12, 'accept')),
  'along the high half of seeds': (n) => noiseUniform(noiseKey(n * 2 ** 32, 12, 'residual')),
  'along one token of growing positions': (n) => noiseUniform(noiseKey(1, n, 'draft'), 151_000),
};

/** Pairs of streams that must be independent for decisions to be independent. */
const PAIRS: Readonly<Record<string, readonly [Stream, Stream]>> = {
  'position n and n + 1, the same token': [
    (n) => noiseUniform(noiseKey(5, n, 'sample'), 42),
    (n) => noiseUniform(noiseKey(5, n + 1, 'sample'), 42),
  ],
  'two positions, token by token': [
    (n) => noiseUniform(noiseKey(5, 100, 'sample'), n),
    (n) => noiseUniform(noiseKey(5, 101, 'sample'), n),
  ],
  'token n and n + 1': [
    (n) => noiseUniform(noiseKey(5, 9, 'sample'), n),
    (n) => noiseUniform(noiseKey(5, 9, 'sample'), n + 1),
  ],
  'seed n and n + 1': [
    (n) => noiseUniform(noiseKey(n, 9, 'sample'), 3),
    (n) => noiseUniform(noiseKey(n + 1, 9, 'sample'), 3),
  ],
  'seed n and -n': [
    (n) => noiseUniform(noiseKey(n + 1, 9, 'sample'), 3),
    (n) => noiseUniform(noiseKey(-n - 1, 9, 'sample'), 3),
  ],
  'seed n and n + 2^32': [
    (n) => noiseUniform(noiseKey(n, 9, 'sample'), 3),
    (n) => noiseUniform(noiseKey(n + 2 ** 32, 9, 'sample'), 3),
  ],
  'two seeds, position by position': [
    (n) => noiseUniform(noiseKey(0, n, 'sample'), 3),
    (n) => noiseUniform(noiseKey(1, n, 'sample'), 3),
  ],
  'two draws, position by position': [
    (n) => noiseUniform(noiseKey(seedOfDraw(7, 1), n, 'sample'), 3),
    (n) => noiseUniform(noiseKey(seedOfDraw(7, 2), n, 'sample'), 3),
  ],
  'draw 0 and draw n of a seed': [
    (n) => noiseUniform(noiseKey(n, 9, 'sample'), 3),
    (n) => noiseUniform(noiseKey(seedOfDraw(n, 1), 9, 'sample'), 3),
  ],
};

/** Chi-square statistic of counts against equal expectations, in standard deviations above it. */
function excess(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const expected = total / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  return (chiSquare - freedom) / Math.sqrt(2 * freedom);
}

function excessOfStream(stream: Stream, count: number, buckets: number): number {
  const counts = new Float64Array(buckets);
  for (let n = 0; n < count; n += 1) {
    const bucket = Math.floor(stream(n) * buckets);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return excess(counts);
}

function excessOfPair(a: Stream, b: Stream, count: number): number {
  const side = 8;
  const counts = new Float64Array(side * side);
  for (let n = 0; n < count; n += 1) {
    const cell = Math.floor(a(n) * side) * side + Math.floor(b(n) * side);
    counts[cell] = (counts[cell] ?? 0) + 1;
  }
  return excess(counts);
}

function correlation(a: Stream, b: Stream, count: number): number {
  let [sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0];
  for (let n = 0; n < count; n += 1) {
    const [x, y] = [a(n) - 0.5, b(n) - 0.5];
    sumA += x;
    sumB += y;
    sumAA += x * x;
    sumBB += y * y;
    sumAB += x * y;
  }
  const covariance = sumAB / count - (sumA / count) * (sumB / count);
  const variances = (sumAA / count - (sumA / count) ** 2) * (sumBB / count - (sumB / count) ** 2);
  return covariance / Math.sqrt(variances);
}

/** Six standard deviations: a sound generator fails once in a hundred million fixed seeds. */
const DEVIATIONS_MAX = 6;

describe('noise', () => {
  it('is the same for the same key, whatever the order of the queries', () => {
    const anyQuery = fc.tuple(anySeed, anyPosition, anyPurpose, fc.nat({ max: 200_000 }));
    fc.assert(
      fc.property(fc.array(anyQuery, { minLength: 1, maxLength: 20 }), (queries) => {
        const ask = ([seed, position, purpose, index]: (typeof queries)[number]): number =>
          noiseBits(noiseKey(seed, position, purpose), index);
        const forwards = queries.map(ask);
        const backwards = [...queries].reverse().map(ask).reverse();
        expect(backwards).toEqual(forwards);
      }),
    );
  });

  it('has not changed since the first version: the same seed gives the same text', () => {
    const values = [
      [0, 0, 'sample', 0],
      [0, 1, 'sample', 0],
      [0, 0, 'draft', 0],
      [1, 17, 'sample', 151_642],
      [-1, 17, 'accept', 0],
      [42, 1023, 'residual', 7],
      [2 ** 40 + 3, 5, 'coin', 0],
      [Number.MIN_SAFE_INTEGER, 131_071, 'sample', 12],
      [Number.MAX_SAFE_INTEGER, 0, 'coin', 0],
    ] as const;
    const bits = values.map(([seed, position, purpose, index]) =>
      noiseBits(noiseKey(seed, position, purpose), index),
    );
    expect(bits).toEqual(FROZEN);
  });

  it('gives unsigned 32-bit integers', () => {
    fc.assert(
      fc.property(anySeed, anyPosition, anyPurpose, fc.nat(), (seed, position, purpose, index) => {
        const bits = noiseBits(noiseKey(seed, position, purpose), index);
        expect(Number.isInteger(bits) && bits >= 0 && bits <= BITS_MAX).toBe(true);
      }),
    );
  });

  it('keeps the seed of draw 0, and gives safe integers for the others', () => {
    fc.assert(
      fc.property(anySeed, fc.integer({ min: 1, max: 10_000 }), (seed, draw) => {
        expect(seedOfDraw(seed, 0)).toBe(seed);
        expect(Number.isSafeInteger(seedOfDraw(seed, draw))).toBe(true);
        expect(seedOfDraw(seed, draw)).not.toBe(seedOfDraw(seed, draw + 1));
      }),
    );
  });

  it.each(Object.entries(STREAMS))('is uniform %s', (_name, stream) => {
    expect(Math.abs(excessOfStream(stream, 40_000, 64))).toBeLessThan(DEVIATIONS_MAX);
  });

  it('has 32 fair bits', () => {
    const count = 20_000;
    const ones = new Float64Array(32);
    for (let n = 0; n < count; n += 1) {
      const bits = noiseBits(noiseKey(3, n, 'sample'), 11);
      for (let bit = 0; bit < 32; bit += 1) ones[bit] = (ones[bit] ?? 0) + ((bits >>> bit) & 1);
    }
    const deviations = [...ones].map((one) => Math.abs(one - count / 2) / Math.sqrt(count / 4));
    expect(Math.max(...deviations)).toBeLessThan(DEVIATIONS_MAX);
  });

  it.each(Object.entries(PAIRS))('is independent between %s', (_name, [a, b]) => {
    const count = 20_000;
    expect(Math.abs(correlation(a, b, count))).toBeLessThan(DEVIATIONS_MAX / Math.sqrt(count));
    expect(Math.abs(excessOfPair(a, b, count))).toBeLessThan(DEVIATIONS_MAX);
  });

  it('is independent between purposes, position by position', () => {
    for (const [index, one] of PURPOSES.entries()) {
      for (const other of PURPOSES.slice(index + 1)) {
        const [a, b] = [one, other].map(
          (purpose): Stream =>
            (n) =>
              noiseUniform(noiseKey(2, n, purpose), 1),
        ) as [Stream, Stream];
        expect(Math.abs(correlation(a, b, 10_000))).toBeLessThan(DEVIATIONS_MAX / 100);
        expect(Math.abs(excessOfPair(a, b, 10_000))).toBeLessThan(DEVIATIONS_MAX);
      }
    }
  });

  it('differs between seeds that share their low or their high half', () => {
    const seeds = [0, 1, -1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, -(2 ** 32), 2 ** 33, 2 ** 52];
    const extremes = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    for (const purpose of PURPOSES) {
      const firsts = [...seeds, ...extremes].map((seed) =>
        [0, 1, 2, 3].map((position) => noiseBits(noiseKey(seed, position, purpose), 0)).join(),
      );
      expect(new Set(firsts).size).toBe(seeds.length + extremes.length);
    }
  });
});

describe('uniformFromBits', () => {
  it('never gives 0 or 1, even at the ends', () => {
    expect(uniformFromBits(0)).toBeGreaterThan(0);
    expect(uniformFromBits(BITS_MAX)).toBeLessThan(1);
    expect(uniformFromBits(0)).toBe(1 - uniformFromBits(BITS_MAX));
  });
});

describe('Gumbel noise', () => {
  it('is finite and between its bounds', () => {
    expect(GUMBEL_MAX).toBeCloseTo(33 * Math.LN2, 6);
    // The bucket table of drawFromAll starts at -4 and relies on this.
    expect(gumbelFromBits(0)).toBeGreaterThan(-4);
    fc.assert(
      fc.property(anySeed, anyPosition, anyPurpose, fc.nat(), (seed, position, purpose, index) => {
        const value = noiseGumbel(noiseKey(seed, position, purpose), index);
        expect(value).toBeLessThanOrEqual(GUMBEL_MAX);
        expect(value).toBeGreaterThanOrEqual(gumbelFromBits(0));
      }),
    );
  });

  it('grows with its bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: BITS_MAX - 1 }), (bits) => {
        expect(gumbelFromBits(bits + 1)).toBeGreaterThanOrEqual(gumbelFromBits(bits));
      }),
    );
  });

  it('has the mean and the variance of the standard Gumbel distribution', () => {
    const count = 100_000;
    const key = noiseKey(11, 4, 'sample');
    let [sum, squares] = [0, 0];
    for (let index = 0; index < count; index += 1) {
      const value = noiseGumbel(key, index);
      sum += value;
      squares += value * value;
    }
    const mean = sum / count;
    expect(mean).toBeCloseTo(0.5772, 1);
    expect(squares / count - mean * mean).toBeCloseTo(Math.PI ** 2 / 6, 1);
  });
});
