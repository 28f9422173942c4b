import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingCheckpoint } from '../../network/checkpoint.ts';
import { decodeTensors, encodeTensors, type TensorMetadata } from '../../network/safetensors.ts';
import { atOnce } from '../../network/steps.ts';
import { FEATURES, HIDDEN_SIZE, labelledExamples } from '../fakes/examples.ts';
import { identityOf, KeptCheckpoint } from './kept-checkpoint.ts';
import { type RouterTraining, routerIdentity } from './router-identity.ts';
import { type TrainingRows, trainingRows } from './training-rows.ts';

const rowsOf = (isLow: (features: readonly number[]) => boolean): TrainingRows => {
  const labelled = labelledExamples({ questionCount: 3, tokenCount: 4, isLow });
  return atOnce(trainingRows(labelled, FEATURES, FEATURES, HIDDEN_SIZE));
};
const TRAINING: RouterTraining = {
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
  const kept = await KeptCheckpoint.open(path, routerIdentity(TRAINING));
  kept.keep(CHECKPOINT);
  await kept.write();
}

let notices: string[] = [];
const found = async (training: RouterTraining = TRAINING) => {
  notices = [];
  const onNotice = (notice: string): void => void notices.push(notice);
  return (await KeptCheckpoint.open(path, routerIdentity(training), { onNotice })).checkpoint;
};

describe('the identity of a checkpoint', () => {
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
    const steps = identityOf(routerIdentity({ objective, fit, rows }));
    let partCount = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) partCount += 1;
    expect(step.value).toBe(hash.digest('hex'));
    expect(partCount).toBe(5 + 6);
  });

  it('is computed no further after an abort', async () => {
    const opening = KeptCheckpoint.open(path, routerIdentity(TRAINING), {
      signal: AbortSignal.abort(),
    });
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

  it.each<[string, Partial<RouterTraining>]>([
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
  ])('of a training with other %s is ignored', async (_what, changes) => {
    await written();
    expect(await found({ ...TRAINING, ...changes })).toBeNull();
    expect(notices).toEqual([]);
  });

  it('that is damaged is ignored, and a notice says so', async () => {
    await written();
    const bytes = await readFile(path);
    const flipped = (at: number) => bytes.map((byte, index) => (index === at ? byte ^ 64 : byte));
    for (const damaged of [
      ...[0, 5, 100, bytes.length - 1].map((length) => bytes.subarray(0, length)),
      'no checkpoint at all',
      // One bit of a weight is flipped.
      ...[bytes.length - 1, bytes.length - 9].map(flipped),
    ]) {
      await writeFile(path, damaged);
      expect(await found()).toBeNull();
      expect(notices).toEqual([`${path} is damaged: the training of its network begins anew.`]);
    }
  });

  it('of an unknown version is refused by name and left unchanged', async () => {
    await written();
    const bytes = await readFile(path);
    const { metadata, tensors } = decodeTensors(bytes.subarray(0, -32));
    expect(metadata['version']).toBe('1');
    const write = async (changed: TensorMetadata): Promise<Buffer> => {
      const body = encodeTensors({ metadata: changed, tensors });
      const digest = createHash('sha256').update(body).digest();
      await writeFile(path, Buffer.concat([body, digest]));
      return await readFile(path);
    };
    const later = await write({ ...metadata, version: '2' });
    await expect(found()).rejects.toMatchObject({
      code: 'training-invalid',
      message: `The checkpoint ${path} is of version 2, and this program reads 1.`,
      remedy: expect.stringContaining('or delete it'),
      fields: { path, version: '2' },
    });
    expect(await readFile(path)).toEqual(later);
    // A file from before files had versions.
    const { version: _, ...earlier } = metadata;
    await write(earlier);
    expect(await found()).toEqual(CHECKPOINT);
  });

  it('is written over', async () => {
    await written();
    const kept = await KeptCheckpoint.open(path, routerIdentity(TRAINING));
    kept.keep({ ...CHECKPOINT, stepCount: 18 });
    await kept.write();
    expect(await found()).toEqual({ ...CHECKPOINT, stepCount: 18 });
    // Without a state there is nothing to write, so no file appears.
    const none = await KeptCheckpoint.open(join(folder, 'none', 'x'), routerIdentity(TRAINING));
    await none.write();
    expect(await readdir(folder)).toEqual(['deep']);
  });

  it('cannot be kept where there is no folder for it', async () => {
    await writeFile(join(folder, 'deep'), 'a file');
    const kept = await KeptCheckpoint.open(join(folder, 'x'), routerIdentity(TRAINING));
    kept.keep(CHECKPOINT);
    await kept.write();
    await expect(KeptCheckpoint.open(path, routerIdentity(TRAINING))).rejects.toMatchObject({
      code: 'file-system-failed',
    });
  });
});
