import { describe, expect, it } from 'vitest';
import { fromHalf } from '../../core/half.ts';
import { auc } from '../../network/auc.ts';
import type { TrainingCheckpoint } from '../../network/checkpoint.ts';
import { splitByGroup } from '../../network/dataset.ts';
import { atOnce } from '../../network/steps.ts';
import { temperatureScale } from '../../network/temperature-scale.ts';
import { FEATURES, HIDDEN_SIZE, labelledExamples } from '../fakes/examples.ts';
import { type FitOptions, fitRouter } from './fit-router.ts';
import { trainingRows } from './training-rows.ts';

const rowsOf = (isLow: (features: readonly number[]) => boolean) => {
  const labelled = labelledExamples({ questionCount: 40, tokenCount: 30, isLow });
  return atOnce(trainingRows(labelled, FEATURES, FEATURES, HIDDEN_SIZE));
};
const SEPARABLE = rowsOf(([first = 0, second = 0]) => first + second < -0.4);
const SETTINGS: Omit<FitOptions, 'rows'> = {
  shape: { hidden: [{ size: 16, activation: true }], dropout: 0 },
  ...{ rate: 0.01, weightDecay: 0, batchSize: 64, epochCountMax: 25, patience: 25 },
  ...{ validationShare: 0.25, balanceMax: 1, seed: 1, objective: 'citer' },
};

const HALVES_SCORED = (rows: typeof SEPARABLE, row: number): Float32Array => {
  const { inputSize, features } = rows.dataset;
  return fromHalf(features.subarray(row * inputSize, (row + 1) * inputSize));
};

describe('fitting a router', () => {
  it('learns the learnable, and proves it on unseen questions', async () => {
    const fit = await fitRouter({ ...SETTINGS, rows: SEPARABLE });
    // Half of the tokens agree and have label 1 regardless of their features.
    expect(fit.aucOfDiffering).toBeGreaterThan(0.97);
    expect(fit.auc).toBeGreaterThan(0.8);
    expect(fit.auc).toBeLessThan(fit.aucOfDiffering ?? 0);
    const { validation } = splitByGroup(SEPARABLE.dataset.groups, 0.25, 1);
    expect(fit.validationRows).toEqual(validation);
    expect(fit.epochCount).toBe(25);
    expect(fit.bestEpoch).toBeGreaterThan(1);
    const logits = [...validation].map((row) => fit.network.logit(HALVES_SCORED(SEPARABLE, row)));
    const differing = [...validation].map((row) => SEPARABLE.differs[row] === 1);
    const mean = (isLow: boolean): number => {
      const chosen = logits.filter((_, at) => {
        const row = validation[at] ?? 0;
        return differing[at] && (SEPARABLE.targets[row] === 0) === isLow;
      });
      return chosen.reduce((sum, logit) => sum + logit, 0) / chosen.length;
    };
    expect(mean(false)).toBeGreaterThan(mean(true) + 2);
  });

  it('is judged by all tokens that the validation rows stand for', async () => {
    const weights = SEPARABLE.weights.map((_, row) => 1 + (row % 5) ** 3);
    const settings = { ...SETTINGS, epochCountMax: 2 };
    const fit = await fitRouter({ ...settings, rows: { ...SEPARABLE, weights } });
    const rows = [...fit.validationRows];
    const logits = Float32Array.from(rows, (row) =>
      fit.network.logit(HALVES_SCORED(SEPARABLE, row)),
    );
    const targets = Float32Array.from(rows, (row) => SEPARABLE.targets[row] ?? Number.NaN);
    const of = Float32Array.from(rows, (row) => weights[row] ?? Number.NaN);
    const ofDiffering = of.map((weight, at) => weight * (SEPARABLE.differs[rows[at] ?? -1] ?? 0));
    expect(fit.auc).toBeCloseTo(auc(logits, targets, of) ?? Number.NaN, 3);
    expect(fit.aucOfDiffering).toBeCloseTo(auc(logits, targets, ofDiffering) ?? Number.NaN, 3);
    expect(fit.temperature).toBeCloseTo(temperatureScale(logits, targets, of), 2);
    // If all rows counted alike, each of these would differ.
    const even = of.map(() => 1);
    expect(Math.abs((fit.auc ?? 0) - (auc(logits, targets, even) ?? 0))).toBeGreaterThan(0.002);
    const ofEven = temperatureScale(logits, targets, even);
    expect(Math.abs(fit.temperature - ofEven)).toBeGreaterThan(0.02);
  });

  it('ranks no better than chance where features tell nothing about labels', async () => {
    // No visible feature tells whether a label is low.
    let count = 0;
    const noise = rowsOf(() => {
      count = (count * 1103 + 377) % 1009;
      return count % 4 === 0;
    });
    const fit = await fitRouter({ ...SETTINGS, rows: noise, epochCountMax: 5 });
    expect(fit.aucOfDiffering).toBeGreaterThan(0.3);
    expect(fit.aucOfDiffering).toBeLessThan(0.7);
  });

  it('is the same for the same seed, and from any checkpoint', async () => {
    const checkpoints: TrainingCheckpoint[] = [];
    const options = { ...SETTINGS, rows: SEPARABLE, epochCountMax: 4 };
    const first = await fitRouter({
      ...options,
      onCheckpoint: (checkpoint) => checkpoints.push(checkpoint),
    });
    const layersOf = ({ network }: typeof first) => network.layers;
    expect(layersOf(await fitRouter(options))).toEqual(layersOf(first));
    expect(checkpoints.length).toBeGreaterThanOrEqual(4);
    const resumed = await fitRouter({
      ...options,
      checkpoint: checkpoints[1] as TrainingCheckpoint,
    });
    expect(layersOf(resumed)).toEqual(layersOf(first));
    expect(resumed.temperature).toBe(first.temperature);
    const other = await fitRouter({ ...options, seed: 2 });
    expect(layersOf(other)).not.toEqual(layersOf(first));
  });

  it('learns every objective', async () => {
    for (const objective of ['co-llm', 'co-llm-supervised', 'alignment', 'citer-s'] as const) {
      const fit = await fitRouter({ ...SETTINGS, objective, rows: SEPARABLE, epochCountMax: 2 });
      expect(Number.isFinite(fit.validationLoss)).toBe(true);
      expect(Number.isFinite(fit.temperature)).toBe(true);
      // Only an objective with labels has a temperature: a deferral has none.
      expect(fit.temperature === 1).toBe(objective === 'co-llm');
    }
  });

  it('has no ranking where one side is missing, and is refused without rows', async () => {
    const none = await fitRouter({ ...SETTINGS, rows: rowsOf(() => false), epochCountMax: 1 });
    expect([none.auc, none.aucOfDiffering]).toEqual([null, null]);
    const empty = atOnce(trainingRows([], FEATURES, FEATURES, HIDDEN_SIZE));
    await expect(fitRouter({ ...SETTINGS, rows: empty })).rejects.toMatchObject({
      code: 'training-data-insufficient',
    });
  });

  it('stops when it is aborted', async () => {
    const caller = new AbortController();
    const run = fitRouter({
      ...{ ...SETTINGS, rows: SEPARABLE, signal: caller.signal },
      onCheckpoint: () => caller.abort(),
    });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
  });
});
