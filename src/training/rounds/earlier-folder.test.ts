/** Reads a training's folder of version 1 (test/fixtures). Nothing in it is computed again. */
import { appendFile, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decodeRouter } from '../../judging/router-file.ts';
import {
  MAX_TOKENS,
  type NumberWorld,
  numberWorld,
  solvedTrajectories,
} from '../fakes/number-world.ts';
import { type TrainedRouter, trainRouter } from './train-router.ts';

const FIXTURE = new URL('../../../test/fixtures/version-1/training/', import.meta.url);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-earlier-'));
  await cp(FIXTURE, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Trains with the settings of the folder's training. */
function trainAgain(world: NumberWorld): Promise<TrainedRouter> {
  return trainRouter({
    pair: world.pair,
    boundTo: { small: { name: 's', digest: '5' }, large: { name: 'l', digest: '6' } },
    trajectories: solvedTrajectories(16),
    ...{ objective: 'citer', roundCount: 2, rolloutCountMax: 10_000, firstPolicy: 'small' },
    rollouts: { draws: { count: 1, temperature: 1 }, positionCountMax: 100, seed: 1 },
    policyShare: null,
    features: { hidden: true, topLogprobs: 0, tokenEmbedding: false },
    maxTokens: MAX_TOKENS,
    fit: {
      shape: { hidden: [{ size: 8, activation: true }], dropout: 0 },
      ...{ rate: 0.01, weightDecay: 0, batchSize: 32, epochCountMax: 12, patience: 12 },
      ...{ validationShare: 0.25, balanceMax: 1, seed: 1 },
    },
    ...{ folder, trainedOn: new Set([3, 4]), facts: { seed: 1 } },
  });
}

it('gives the same router without reading a token', async () => {
  const world = numberWorld();
  const { bytes } = await trainAgain(world);
  // A version-1 file has no cuts of its scores; all else is equal.
  const { calibration, digest: _, ...facts } = decodeRouter(bytes);
  const earlier = decodeRouter(await readFile(join(folder, 'citer.safetensors')));
  expect(earlier).toMatchObject(facts);
  expect(earlier.calibration).toEqual({ ...calibration, cuts: [] });
  expect(calibration?.cuts.length).toBeGreaterThan(20);
  expect(world.fedCount()).toBe(0);
  for (const name of ['readings.jsonl', 'rollouts.jsonl', 'written.jsonl']) {
    const before = await readFile(new URL(name, FIXTURE), 'utf8');
    expect(await readFile(join(folder, name), 'utf8')).toBe(before);
  }
  expect(await readdir(folder)).toEqual(await readdir(FIXTURE));
});

it.each([
  ['readings.jsonl', 'trace'],
  ['rollouts.jsonl', 'end of a branch'],
  ['written.jsonl', 'answer'],
])('%s with a foreign line is refused by its name and line', async (name, noun) => {
  const path = join(folder, name);
  const lineCount = (await readFile(path, 'utf8')).split('\n').length;
  await appendFile(path, '{"version":2}\n');
  const kept = await readFile(path, 'utf8');
  await expect(trainAgain(numberWorld())).rejects.toMatchObject({
    code: 'training-invalid',
    message: expect.stringContaining(`Line ${lineCount} of ${path} is no ${noun}: `),
    fields: { path, line: lineCount },
  });
  expect(await readFile(path, 'utf8')).toBe(kept);
});
