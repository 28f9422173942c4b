import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noiseKey, noiseUniform } from '../../core/noise.ts';
import { wilson } from '../statistics/wilson.ts';
import {
  estimateDifference,
  estimateMean,
  estimateShare,
  unseenVariance,
} from './estimate-mean.ts';
import { fullDesign, sampleDesign } from './sample-design.ts';

function sampleVariance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

describe('the mean of a screened sample', () => {
  it('weights strata by their sizes', () => {
    // The mean is 1/2 for 8 questions and 1 for 2.
    const { mean } = estimateMean(sampleDesign([0, 0, 1, 1], [8, 2]), [0, 1, 1, 1]);
    expect(mean).toBeCloseTo(0.8 * 0.5 + 0.2, 12);
  });

  it('has the variance of the formula', () => {
    const { variance } = estimateMean(sampleDesign([0, 0, 1, 1], [8, 2]), [0, 1, 1, 0]);
    // s² = 1/2 in both strata; their means are equal.
    const within = (0.64 * 0.5) / 2 + (0.04 * 0.5) / 2;
    const taken = (0.8 * 0.5) / (2 * 10) + (0.2 * 0.5) / (2 * 10);
    expect(variance).toBeCloseTo((10 / 9) * (within - taken), 12);
  });

  it('is the plain mean with its plain variance if every question was answered', () => {
    const question = fc.tuple(fc.nat(3), fc.integer({ min: -5, max: 5 }));
    fc.assert(
      fc.property(fc.array(question, { minLength: 2, maxLength: 60 }), (questions) => {
        const strata = questions.map(([stratum]) => stratum);
        const values = questions.map(([, value]) => value);
        const sizes = [0, 1, 2, 3].map((own) => strata.filter((other) => other === own).length);
        const plain = values.reduce((sum, value) => sum + value, 0) / values.length;
        const { mean, variance } = estimateMean(sampleDesign(strata, sizes), values);
        expect(mean).toBeCloseTo(plain, 10);
        expect(variance).toBeCloseTo(sampleVariance(values) / values.length, 10);
      }),
    );
  });

  it('has neither bias nor a biased variance over small screened samples', () => {
    // Two strata with shares 0.6 and 0.4, values uniform on [0, 1] and [1, 3]; 4 answered in each.
    const worldCount = 60_000;
    const means: number[] = [];
    let variances = 0;
    for (let world = 0; world < worldCount; world += 1) {
      const key = noiseKey(world, 0, 'sample');
      let firstSize = 0;
      for (let question = 0; question < 24; question += 1) {
        firstSize += noiseUniform(key, question) < 0.6 ? 1 : 0;
      }
      const isPossible = firstSize >= 4 && firstSize <= 20;
      if (!isPossible) continue;
      const values = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => {
        const uniform = noiseUniform(key, 100 + index);
        return index < 4 ? uniform : 1 + 2 * uniform;
      });
      const design = sampleDesign([0, 0, 0, 0, 1, 1, 1, 1], [firstSize, 24 - firstSize]);
      const { mean, variance } = estimateMean(design, values);
      means.push(mean);
      variances += variance;
    }
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    expect(mean).toBeGreaterThan(1.1 - 0.005);
    expect(mean).toBeLessThan(1.1 + 0.005);
    const ratio = variances / means.length / sampleVariance(means);
    expect(ratio).toBeGreaterThan(0.98);
    expect(ratio).toBeLessThan(1.02);
  });
});

describe('a share', () => {
  it("has Wilson's interval if every question was answered", () => {
    for (const right of [0, 1, 30, 99, 100]) {
      const outcomes = Array.from({ length: 100 }, (_, index) => (index < right ? 1 : 0));
      const { value, low, high } = estimateShare(fullDesign(100), outcomes);
      expect(value).toBeCloseTo(right / 100, 12);
      expect(low).toBeCloseTo(wilson(right, 100).low, 9);
      expect(high).toBeCloseTo(wilson(right, 100).high, 9);
    }
  });

  it('is as precise as a plain sample of the answered questions if there is one stratum', () => {
    const counts = fc
      .integer({ min: 2, max: 30 })
      .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 1, max: count - 1 })));
    fc.assert(
      fc.property(counts, ([count, right]) => {
        const outcomes = Array.from({ length: count }, (_, index) => (index < right ? 1 : 0));
        const strata = outcomes.map(() => 0);
        const { low, high } = estimateShare(sampleDesign(strata, [500]), outcomes);
        expect(low).toBeCloseTo(wilson(right, count).low, 9);
        expect(high).toBeCloseTo(wilson(right, count).high, 9);
      }),
    );
  });

  it('credits only sampled strata without variation', () => {
    const values = new Array(20).fill(1);
    const sampled = sampleDesign(new Array(20).fill(0), [100]);
    expect(unseenVariance(sampled, values)).toBeCloseTo((1 / 42) * (41 / 42) * (1 / 20), 12);
    expect(unseenVariance(sampled, [0, ...values.slice(1)])).toBe(0);
    expect(unseenVariance(fullDesign(20), values)).toBe(0);
    // All 20 right carries about as much information as a plain sample of 20.
    const { low, high } = estimateShare(sampled, values);
    expect(high).toBe(1);
    expect(low).toBeCloseTo(wilson(21, 21).low, 10);
  });
});

describe('a paired difference', () => {
  it('uses the pairs instead of two samples', () => {
    const first = Array.from({ length: 100 }, (_, index) => index % 2);
    const second = first.map((value, index) => (index < 4 ? 0 : value));
    const { value, low, high } = estimateDifference(fullDesign(100), first, second);
    expect(value).toBeCloseTo(0.02, 12);
    const reach = 1.959963984540054 * Math.sqrt((0.02 * 0.98) / 99);
    expect(high).toBeCloseTo(0.02 + reach, 10);
    expect(low).toBeCloseTo(0.02 - reach, 10);
  });

  it('stays uncertain where a sample shows no difference', () => {
    const { value, low, high } = estimateDifference(
      sampleDesign([0, 0, 0, 0], [40]),
      [1, 0, 1, 0],
      [1, 0, 1, 0],
    );
    expect(value).toBe(0);
    expect(high).toBeCloseTo(1.959963984540054 * Math.sqrt(0.09 / 4), 10);
    expect(low).toBe(-high);
  });
});
