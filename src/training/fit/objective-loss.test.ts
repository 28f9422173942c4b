import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atOnce } from '../../network/steps.ts';
import { FEATURES, HIDDEN_SIZE, labelledExamples } from '../fakes/examples.ts';
import { OBJECTIVES } from '../labels/targets.ts';
import { objectiveLoss } from './objective-loss.ts';
import { trainingRows } from './training-rows.ts';

const LABELLED = labelledExamples({
  ...{ questionCount: 4, tokenCount: 8 },
  isLow: ([first = 0]) => first < -0.5,
});
const ROWS = atOnce(trainingRows(LABELLED, FEATURES, FEATURES, HIDDEN_SIZE));
const { rowCount } = ROWS.dataset;
const anyLogit = fc.double({ min: -12, max: 12, noNaN: true });
const anyRow = fc.nat(rowCount - 1);
const BALANCE = 3;
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

describe.each(OBJECTIVES)('the loss of %s', (objective) => {
  const { loss, slope, weights } = objectiveLoss(objective, ROWS, BALANCE);

  it('has the slope of its finite differences', () => {
    const step = 1e-4;
    fc.assert(
      fc.property(anyLogit, anyRow, (logit, row) => {
        const difference = (loss(logit + step, row) - loss(logit - step, row)) / (2 * step);
        expect(slope(logit, row)).toBeCloseTo(difference, 5);
      }),
    );
  });

  it('counts every row for the tokens that it stands for', () => {
    const standing = ROWS.weights.map((_, row) => 1 + (row % 3));
    const weighted = objectiveLoss(objective, { ...ROWS, weights: standing }, 1);
    expect(weighted.weights).toEqual(standing);
    expect(weighted.loss(0.3, 1)).toBe(loss(0.3, 1));
  });

  it('has a weight for every row', () => {
    expect(weights).toHaveLength(rowCount);
    expect(weights.every((weight) => weight >= 1 && weight <= BALANCE)).toBe(true);
  });
});

function crossEntropy(logit: number, target: number): number {
  const s = sigmoid(logit);
  return -(target * Math.log(s) + (1 - target) * Math.log(1 - s));
}

function mixture(logit: number, row: number): number {
  const s = sigmoid(logit);
  const small = Math.exp(ROWS.logSmall[row] ?? 0);
  return -Math.log(s * small + (1 - s) * Math.exp(ROWS.logLarge[row] ?? 0));
}

it('the loss of labels is cross-entropy, in which the rarer side counts more', () => {
  for (const objective of ['citer', 'citer-paper', 'citer-s', 'alignment'] as const) {
    const { loss, weights } = objectiveLoss(objective, ROWS, BALANCE);
    const lows = ROWS.targets.filter((target) => target < 0.5).length;
    expect(lows * BALANCE).toBeLessThan(rowCount);
    for (const [row, target] of ROWS.targets.entries()) {
      expect(loss(0.7, row)).toBeCloseTo(crossEntropy(0.7, target), 6);
      expect(weights[row]).toBe(target < 0.5 ? BALANCE : 1);
    }
  }
});

it('the loss of Co-LLM is the likelihood of the mixture; its supervised variant adds labels', () => {
  const plain = objectiveLoss('co-llm', ROWS, BALANCE);
  const supervised = objectiveLoss('co-llm-supervised', ROWS, BALANCE);
  fc.assert(
    fc.property(anyLogit, anyRow, (logit, row) => {
      const target = ROWS.targets[row] ?? Number.NaN;
      const ofLabel = (target < 1 ? 5 : 1) * crossEntropy(logit, target);
      expect(plain.loss(logit, row)).toBeCloseTo(mixture(logit, row), 5);
      const joined = (2 * mixture(logit, row) + ofLabel) / 3;
      expect(supervised.loss(logit, row)).toBeCloseTo(joined, 4);
    }),
  );
});
