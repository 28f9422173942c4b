import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DistributionParams, GREEDY } from '../core/sampling-params.ts';
import { candidates } from './candidates.ts';
import { processedDistribution } from './distribution.ts';

const MASKED = Number.NEGATIVE_INFINITY;

const anyLogit = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -20, max: 20, noNaN: true }).map(Math.fround) },
  { weight: 3, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.constant(MASKED) },
);
const anyRow = fc
  .array(anyLogit, { minLength: 1, maxLength: 40 })
  .filter((row) => row.some((logit) => logit !== MASKED));

const anySampling: fc.Arbitrary<DistributionParams> = fc.record({
  topK: fc.oneof(fc.constant(0), fc.nat({ max: 20 })),
  topP: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 1, noNaN: true })),
  minP: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.9, noNaN: true })),
  temperature: fc.double({ min: 0.05, max: 50, noNaN: true }),
});

/** Softmax at the temperature over the surviving ids, in doubles. */
function oracle(row: readonly number[], params: DistributionParams): number[] {
  const logits = Float32Array.from(row);
  const kept = new Set(candidates(logits, row.length, params));
  const max = Math.max(...row);
  const weights = row.map((logit, id) =>
    kept.has(id) ? Math.exp((logit - max) / params.temperature) : 0,
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

describe('processedDistribution', () => {
  it('is the softmax at the temperature over the tokens that survive truncation', () => {
    fc.assert(
      fc.property(anyRow, anySampling, (row, params) => {
        const actual = processedDistribution(Float32Array.from(row), row.length, params);
        for (const [id, probability] of oracle(row, params).entries()) {
          expect(actual[id]).toBeCloseTo(probability, 9);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('sums to 1, and puts nothing on dropped tokens', () => {
    fc.assert(
      fc.property(anyRow, anySampling, (row, params) => {
        const logits = Float32Array.from(row);
        const probabilities = processedDistribution(logits, row.length, params);
        const kept = new Set(candidates(logits, row.length, params));
        let sum = 0;
        for (const [id, probability] of probabilities.entries()) {
          sum += probability;
          if (!kept.has(id)) expect(probability).toBe(0);
        }
        expect(sum).toBeCloseTo(1, 12);
        expect(probabilities).toHaveLength(row.length);
      }),
      { numRuns: 300 },
    );
  });

  it('puts all mass on the argmax when greedy, whatever the other steps say', () => {
    const params = { ...GREEDY, topK: 3, topP: 0.2, minP: 0.9 };
    const row = Float32Array.from([1, 4, 4, 2]);
    expect([...processedDistribution(row, 4, params)]).toEqual([0, 1, 0, 0]);
  });

  it('approaches the argmax at a low and the uniform distribution at a high temperature', () => {
    const row = Float32Array.from([1, 3, 2]);
    const at = (temperature: number): number[] => [
      ...processedDistribution(row, 3, { ...GREEDY, temperature }),
    ];
    expect(at(Number.MIN_VALUE)).toEqual([0, 1, 0]);
    expect(at(0.01)[1]).toBeCloseTo(1, 12);
    for (const probability of at(100)) expect(probability).toBeCloseTo(1 / 3, 1);
  });

  it('does not read entries past the size', () => {
    const row = Float32Array.from([0, 0, 50, Number.NaN]);
    expect([...processedDistribution(row, 2, { ...GREEDY, temperature: 1 })]).toEqual([0.5, 0.5]);
  });

  it('owns its memory', () => {
    const row = Float32Array.from([0, 0]);
    const distribution = processedDistribution(row, 2, { ...GREEDY, temperature: 1 });
    row.fill(Number.NaN);
    expect([...distribution]).toEqual([0.5, 0.5]);
  });
});
