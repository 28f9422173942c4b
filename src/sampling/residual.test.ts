import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { residualWeights } from './residual.ts';

const anyDistribution = (size: number): fc.Arbitrary<Float64Array> =>
  fc
    .array(fc.nat({ max: 20 }), { minLength: size, maxLength: size })
    .filter((weights) => weights.some((weight) => weight > 0))
    .map((weights) => {
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return Float64Array.from(weights, (weight) => weight / sum);
    });

const anyTwo = fc
  .integer({ min: 1, max: 8 })
  .chain((size) => fc.tuple(anyDistribution(size), anyDistribution(size)));

const sumOf = (weights: Float64Array): number => weights.reduce((sum, weight) => sum + weight, 0);

describe('residualWeights', () => {
  it('is the excess of the target over the draft', () => {
    const weights = residualWeights(
      Float64Array.from([0.5, 0.25, 0.25, 0]),
      Float64Array.from([0.25, 0.5, 0, 0.25]),
    );
    expect([...weights]).toEqual([0.25, 0, 0.25, 0]);
  });

  it('is the target itself if the two are equal', () => {
    fc.assert(
      fc.property(anyTwo, ([target]) => {
        expect(residualWeights(target, Float64Array.from(target))).toEqual(target);
      }),
    );
  });

  it('is never negative and never empty', () => {
    fc.assert(
      fc.property(anyTwo, ([target, draft]) => {
        const weights = residualWeights(target, draft);
        expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
        expect(sumOf(weights)).toBeGreaterThan(0);
        expect(weights).toHaveLength(target.length);
      }),
    );
  });

  it('adds up with the accepted mass to exactly the target', () => {
    // Each token is accepted with mass min(p, q). The residual has to make up the rest of p.
    fc.assert(
      fc.property(anyTwo, ([target, draft]) => {
        const accepted = target.map((p, id) => Math.min(p, draft[id] ?? 0));
        const rest = 1 - sumOf(accepted);
        fc.pre(rest > 1e-9);
        const weights = residualWeights(target, draft);
        expect(sumOf(weights)).toBeCloseTo(rest, 12);
        for (const [id, p] of target.entries()) {
          expect((accepted[id] ?? 0) + (weights[id] ?? 0)).toBeCloseTo(p, 12);
        }
      }),
    );
  });

  it('excludes the token of a one-hot draft, however probable the target makes it', () => {
    const weights = residualWeights(Float64Array.from([0.9, 0.1]), Float64Array.from([1, 0]));
    expect([...weights]).toEqual([0, 0.1]);
  });

  it('does not change its arguments', () => {
    const [target, draft] = [Float64Array.from([0.5, 0.5]), Float64Array.from([1, 0])];
    residualWeights(target, draft);
    expect([...target, ...draft]).toEqual([0.5, 0.5, 1, 0]);
  });
});
