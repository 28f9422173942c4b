/** Measures of scores and probabilities, against their written-out definitions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auc } from './auc.ts';
import { sigmoid, softplus } from './loss.ts';
import { reliability } from './reliability.ts';
import { temperatureScale } from './temperature-scale.ts';

const row = fc.record({
  // Few values, so that there are ties.
  score: fc.integer({ min: -3, max: 3 }),
  label: fc.constantFrom(0, 0.25, 1),
  weight: fc.constantFrom(0, 0.5, 1, 2),
});
const rows = fc.array(row, { minLength: 1, maxLength: 30 });
type Row = { score: number; label: number; weight: number };
const column = (list: readonly Row[], name: keyof Row): Float32Array =>
  Float32Array.from(list, (each) => each[name]);

describe('area under the ROC curve', () => {
  it('is the share of correctly ranked pairs', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const compared = list.flatMap((a) =>
          list.map((b) => ({
            pairs: a.weight * a.label * b.weight * (1 - b.label),
            share: (1 + Math.sign(a.score - b.score)) / 2,
          })),
        );
        const pairs = compared.reduce((sum, each) => sum + each.pairs, 0);
        const right = compared.reduce((sum, each) => sum + each.pairs * each.share, 0);
        const value = auc(column(list, 'score'), column(list, 'label'), column(list, 'weight'));
        if (pairs === 0) expect(value).toBeNull();
        else expect(value).toBeCloseTo(right / pairs, 9);
      }),
    );
  });
});

describe('temperature scaling', () => {
  const entropy = (list: readonly Row[], temperature: number): number =>
    list.reduce((sum, { score, label, weight }) => {
      const logit = score / temperature;
      return sum + weight * (softplus(logit) - label * logit);
    }, 0);

  it('finds a temperature that no other beats', () => {
    fc.assert(
      fc.property(rows, fc.double({ min: -4.6, max: 4.6, noNaN: true }), (list, other) => {
        const found = temperatureScale(
          column(list, 'score'),
          column(list, 'label'),
          column(list, 'weight'),
        );
        expect(found).toBeGreaterThanOrEqual(0.0099);
        expect(found).toBeLessThanOrEqual(101);
        const slack = 1e-6 + 1e-4 * entropy(list, 1);
        expect(entropy(list, found)).toBeLessThan(entropy(list, Math.exp(other)) + slack);
      }),
      { numRuns: 500 },
    );
  });

  it('undoes a known temperature', () => {
    const logits = Float32Array.from({ length: 400 }, (_, index) => (index - 200) / 40);
    const targets = logits.map((logit) => sigmoid(logit / 2.5));
    expect(
      temperatureScale(
        logits,
        targets,
        logits.map(() => 1),
      ),
    ).toBeCloseTo(2.5, 5);
  });

  it('does not change logits that carry no information', () => {
    const zero = new Float32Array(3);
    expect(temperatureScale(zero, zero, new Float32Array([1, 1, 1]))).toBe(1);
  });
});

describe('reliability', () => {
  it('compares the means within bins', () => {
    const { bins, expectedCalibrationError } = reliability(
      new Float32Array([0, 0.25, 0.5, 0.75, 1]),
      new Float32Array([1, 0, 1, 0.5, 1]),
      new Float32Array([1, 3, 1, 2, 1]),
      2,
    );
    expect(bins).toEqual([
      { from: 0, until: 0.5, rowCount: 2, weight: 4, meanPredicted: 0.1875, observedShare: 0.25 },
      { from: 0.5, until: 1, rowCount: 3, weight: 4, meanPredicted: 0.75, observedShare: 0.75 },
    ]);
    expect(expectedCalibrationError).toBeCloseTo(0.0625 / 2, 12);
  });

  it('gives null for empty bins, and without rows', () => {
    const none = new Float32Array(0);
    const { bins, expectedCalibrationError } = reliability(none, none, none, 1);
    expect(bins[0]).toMatchObject({ rowCount: 0, meanPredicted: null, observedShare: null });
    expect(expectedCalibrationError).toBeNull();
  });
});
