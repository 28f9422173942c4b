import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noiseKey, noiseUniform } from '../core/noise.ts';
import { type DistributionParams, GREEDY } from '../core/sampling-params.ts';
import { candidates, truncates } from './candidates.ts';

const MASKED = Number.NEGATIVE_INFINITY;
const ALL: DistributionParams = { ...GREEDY, temperature: 1 };

const anyLogit = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: -30, max: 30, noNaN: true }).map(Math.fround) },
  { weight: 5, arbitrary: fc.integer({ min: -5, max: 5 }) },
  { weight: 1, arbitrary: fc.constant(MASKED) },
);
const anyRow = fc
  .array(anyLogit, { minLength: 1, maxLength: 50 })
  .filter((row) => row.some((logit) => logit !== MASKED));

const anyTruncation: fc.Arbitrary<DistributionParams> = fc.record({
  topK: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 1e6 })),
  topP: fc.oneof(
    fc.constant(1),
    fc.constant(1e-12),
    fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }),
  ),
  minP: fc.oneof(
    fc.constant(0),
    fc.constant(0.999999),
    fc.constant(1e-12),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
  ),
  temperature: fc.constant(1),
});

/**
 * The definition: sort all tokens, keep k, keep the shortest prefix with `topP` of the remaining
 * mass, keep the tokens that are at least `minP` times as probable as the best. `slack` moves the two
 * borders.
 */
function oracle(row: readonly number[], params: DistributionParams, slack = 0): number[] {
  const max = Math.max(...row);
  const logitOf = (id: number): number => row[id] ?? MASKED;
  const weightOf = (id: number): number => Math.exp(logitOf(id) - max);
  const sorted = [...row.keys()].sort((a, b) => logitOf(b) - logitOf(a) || a - b);
  const top = params.topK > 0 ? sorted.slice(0, params.topK) : sorted;
  const total = top.reduce((sum, id) => sum + weightOf(id), 0);
  let mass = 0;
  const nucleus = top.filter((id) => {
    const keeps = params.topP >= 1 || mass / total < params.topP + slack;
    mass += weightOf(id);
    return keeps;
  });
  const kept = nucleus.filter((id) => weightOf(id) >= params.minP * (1 + slack));
  return kept.length > 0 ? kept : top.slice(0, 1);
}

const idsOf = (row: readonly number[], params: DistributionParams): number[] =>
  candidates(Float32Array.from(row), row.length, params);

describe('candidates', () => {
  it('are the tokens that a full sort, top-k, top-p and min-p leave', () => {
    fc.assert(
      fc.property(anyRow, anyTruncation, (row, params) => {
        const expected = oracle(row, params);
        // At a border, rounding decides. Such cases have tests of their own.
        for (const slack of [1e-8, -1e-8]) {
          fc.pre(oracle(row, params, slack).join() === expected.join());
        }
        expect(idsOf(row, params)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('always hold the best token, in order of probability, without repeats', () => {
    const anyExtreme = fc.record({
      topK: fc.nat({ max: 3 }),
      topP: fc.constantFrom(Number.MIN_VALUE, 0.5, 1 - Number.EPSILON / 2, 1),
      minP: fc.constantFrom(0, Number.MIN_VALUE, 0.5, 1 - Number.EPSILON / 2),
      temperature: fc.constant(1),
    });
    fc.assert(
      fc.property(anyRow, anyExtreme, (row, params) => {
        const ids = idsOf(row, params);
        expect(ids[0]).toBe(row.indexOf(Math.max(...row)));
        expect(new Set(ids).size).toBe(ids.length);
        const logits = ids.map((id) => row[id] ?? Number.NaN);
        expect(logits).toEqual([...logits].sort((a, b) => b - a));
        expect(ids.length).toBeLessThanOrEqual(params.topK || row.length);
      }),
      { numRuns: 500 },
    );
  });

  it('break ties of top-k by the lower id', () => {
    expect(idsOf([1, 5, 5, 5, 2], { ...ALL, topK: 2 })).toEqual([1, 2]);
  });

  it('stop at exactly the requested mass, not one token later', () => {
    expect(idsOf([0, 0, 0, 0], { ...ALL, topP: 0.5 })).toEqual([0, 1]);
    expect(idsOf([0, 0, 0, 0], { ...ALL, topP: 0.51 })).toEqual([0, 1, 2]);
  });

  it('keep a token that is exactly minP times as probable as the best', () => {
    expect(idsOf([0, 0, -1], { ...ALL, minP: 1 - 1e-12 })).toEqual([0, 1]);
    expect(idsOf([0, Math.fround(Math.log(0.5)), -9], { ...ALL, minP: 0.499999 })).toEqual([0, 1]);
  });

  it('take top-p of the mass that top-k left', () => {
    // Top-p 0.6 needs three of all four tokens, but two of the best two.
    const row = [0, 0, 0, 0];
    expect(idsOf(row, { ...ALL, topP: 0.6 })).toHaveLength(3);
    expect(idsOf(row, { ...ALL, topK: 2, topP: 0.4 })).toHaveLength(1);
  });

  it('take top-p of the mass before min-p', () => {
    // Softmax of [2, 1, 0, 0] is 0.610, 0.224, 0.083, 0.083, so 0.7 needs two tokens. Among the two
    // tokens that min-p leaves, the first alone would have 0.73.
    expect(idsOf([2, 1, 0, 0], { ...ALL, topP: 0.7, minP: 0.3 })).toEqual([0, 1]);
    expect(idsOf([2, 1, 0, 0], { ...ALL, topK: 3, topP: 0.7, minP: 0.3 })).toEqual([0, 1]);
  });

  it('find the k largest far below the best', () => {
    const row = Array.from({ length: 400 }, (_, id) => -id);
    const first = (count: number): number[] => Array.from({ length: count }, (_, id) => id);
    for (const topK of [1, 4, 5, 6, 9, 17, 18, 100]) {
      expect(idsOf(row, { ...ALL, topK })).toEqual(first(topK));
    }
    expect(idsOf(row, { ...ALL, topK: 100, minP: Math.exp(-6.5) })).toEqual(first(7));
  });

  it('are those of a full sort in a row as large as a real vocabulary', () => {
    const key = noiseKey(1, 2, 'coin');
    const level = (id: number): number => Math.fround(20 * noiseUniform(key, id) ** 4);
    const row = Array.from({ length: 20_000 }, (_, id) => level(id));
    for (const step of [{ topK: 40 }, { topK: 5000 }, { topP: 0.9 }, { topP: 0.9999 }]) {
      const params = { ...ALL, ...step };
      expect(idsOf(row, params)).toEqual(oracle(row, params));
      expect(idsOf(row, { ...params, minP: 0.01 })).toEqual(oracle(row, { ...params, minP: 0.01 }));
    }
  });

  it('do not read past the size', () => {
    const padded = Float32Array.from([1, 2, 3, 99, 98]);
    expect(candidates(padded, 3, { ...ALL, topK: 2 })).toEqual([2, 1]);
    expect(candidates(padded, 3, { ...ALL, topK: 9 })).toEqual([2, 1, 0]);
  });
});

describe('truncates', () => {
  it('is true as soon as one step can drop a token', () => {
    expect(truncates(ALL)).toBe(false);
    expect(truncates({ ...ALL, topK: 1 })).toBe(true);
    expect(truncates({ ...ALL, topP: 0.999 })).toBe(true);
    expect(truncates({ ...ALL, minP: 0.001 })).toBe(true);
  });
});
