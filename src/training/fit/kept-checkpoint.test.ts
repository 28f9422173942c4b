import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingCheckpoint } from '../../network/checkpoint.ts';
import { atOnce } from '../../network/steps.ts';
import { FEATURES, HIDDEN_SIZE, labelledExamples } from '../fakes/examples.ts';
import { identityOf, KeptCheckpoint, type TrainingIdentity } from './kept-checkpoint.ts';
import { type TrainingRows, trainingRows } from './training-rows.ts';

const rowsOf = (isLow: (features: readonly number[]) => boolean): TrainingRows => {
  const labelled = labelledExamples({ questionCount: 3, tokenCount: 4, isLow });
  return atOnce(trainingRows(labelled, FEATURES, FEATURES, HIDDEN_SIZE));
};
const TRAINING: TrainingIdentity = {
  objective: 'citer',
  rows: rowsOf(([first = 0]) => first < 0),
  fit: {
    shape: { hidden: [{ size: 8, activation: true }], dropout: 0 },
    ...{ rate: 0.01, weightDecay: 0, batchSize: 32, epochCountMax: 12, patience: 12 },
    ...{ validationShare: 0.25, balanceMax: 1, seed: 1 },
  },
};
const part = (value: number) => ({
  a: Float32Array.of(value, 0.1),
  'b.c': Float32Array.of(-value),
});
const CHECKPOINT: TrainingCheckpoint = {
  stepCount: 17,
  history: [{ epoch: 1, trainingLoss: 0.1 + 0.2, validationLoss: 1e-17 }],
  ...{ current: part(1), first: part(2), second: part(3), best: part(4) },
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-checkpoint-'));
  path = join(folder, 'deep', 'network.checkpoint');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function written(): Promise<void> {
  const kept = await KeptCheckpoint.open(path, TRAINING);
  kept.keep(CHECKPOINT);
  await kept.write();
}

const found = async (training: TrainingIdentity = TRAINING) =>
  (await KeptCheckpoint.open(path, training)).checkpoint;

describe('what a checkpoint belongs to', () => {
  it('is a digest of all rows and settings, made in small parts', () => {
    const bytes = 5 * 2 ** 20 + 6;
    const features = Uint16Array.from({ length: bytes / 2 }, (_, index) => (index * 7919) >> 3);
    const { objective, fit } = TRAINING;
    const rows = { ...TRAINING.rows, dataset: { ...TRAINING.rows.dataset, features } };
    const { targets, weights, logSmall, logLarge, dataset } = rows;
    const hash = createHash('sha256').update(JSON.stringify([objective, fit]));
    for (const numbers of [targets, weights, logSmall, logLarge, features, dataset.groups]) {
      hash.update(Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    }
    const steps = identityOf({ objective, fit, rows });
    let partCount = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) partCount += 1;
    expect(step.value).toBe(hash.digest('hex'));
    expect(partCount).toBe(5 + 6);
  });

  it('is not waited for by whoever aborts', async () => {
    const opening = KeptCheckpoint.open(path, TRAINING, AbortSignal.abort());
    await expect(opening).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a kept checkpoint', () => {
  it('comes back as it was, for the same training', async () => {
    expect(await found()).toBeNull();
    await written();
    expect(await found()).toEqual(CHECKPOINT);
    expect(await found({ ...TRAINING, rows: rowsOf(([first = 0]) => first < 0) })).toEqual(
      CHECKPOINT,
    );
    expect(await readdir(join(folder, 'deep'))).toEqual(['network.checkpoint']);
  });

  it.each<[string, Partial<TrainingIdentity>]>([
    ['objective', { objective: 'citer-s' }],
    ['rate', { fit: { ...TRAINING.fit, rate: 0.02 } }],
    ['seed', { fit: { ...TRAINING.fit, seed: 2 } }],
    ['shape', { fit: { ...TRAINING.fit, shape: { hidden: [], dropout: 0 } } }],
    ['labels', { rows: rowsOf(([first = 0]) => first < 0.2) }],
    ['weights', { rows: { ...TRAINING.rows, weights: TRAINING.rows.logLarge } }],
    ['likelihoods', { rows: { ...TRAINING.rows, logSmall: TRAINING.rows.logLarge } }],
    ['weights', { rows: { ...TRAINING.rows, weights: TRAINING.rows.weights.map((w) => 2 * w) } }],
    [
      'features',
      {
        rows: {
          ...TRAINING.rows,
          dataset: {
            ...TRAINING.rows.dataset,
            features: TRAINING.rows.dataset.features.map((half, at) =>
              at === 5 ? half + 1 : half,
            ),
          },
        },
      },
    ],
  ])('of a training with other %s is not taken', async (_what, changes) => {
    await written();
    expect(await found({ ...TRAINING, ...changes })).toBeNull();
  });

  it('that is damaged is not taken', async () => {
    await written();
    const bytes = await readFile(path);
    for (const length of [0, 5, 100, bytes.length - 1]) {
      await writeFile(path, bytes.subarray(0, length));
      expect(await found()).toBeNull();
    }
    await writeFile(path, 'no checkpoint at all');
    expect(await found()).toBeNull();
    // A bit of a weight that fell over.
    for (const at of [bytes.length - 1, bytes.length - 9]) {
      await writeFile(
        path,
        bytes.map((byte, index) => (index === at ? byte ^ 64 : byte)),
      );
      expect(await found()).toBeNull();
    }
  });

  it('is written over', async () => {
    await written();
    const kept = await KeptCheckpoint.open(path, TRAINING);
    kept.keep({ ...CHECKPOINT, stepCount: 18 });
    await kept.write();
    expect(await found()).toEqual({ ...CHECKPOINT, stepCount: 18 });
    // Nothing to write, nothing written.
    const none = await KeptCheckpoint.open(join(folder, 'none', 'x'), TRAINING);
    await none.write();
    expect(await readdir(folder)).toEqual(['deep']);
  });

  it('cannot be kept where there is no folder for it', async () => {
    await writeFile(join(folder, 'deep'), 'a file');
    const kept = await KeptCheckpoint.open(join(folder, 'x'), TRAINING);
    kept.keep(CHECKPOINT);
    await kept.write();
    await expect(KeptCheckpoint.open(path, TRAINING)).rejects.toMatchObject({
      code: 'file-system-failed',
    });
  });
});
