/**
 * The life of a router on learned weights, on a small scale: trained, calibrated, used. See
 * training.long.test.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { calibrate } from '../../src/app/calibrate.ts';
import { evaluate } from '../../src/app/evaluate.ts';
import { train } from '../../src/app/train.ts';
import { decodeRouter } from '../../src/judging/router-file.ts';

const QUESTION_COUNT = 4;
const POCKET = { pair: 'pocket', offline: true, threadCount: 1, maxTokens: 80 } as const;
const LEARNED = { task: 'pocket', questionSeed: 3, count: QUESTION_COUNT } as const;
const HELD_OUT = { task: 'pocket', split: 'test', questionSeed: 9, count: 2 } as const;

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotfish-router-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

it('is trained by rollouts, calibrated by runs, and routes in an evaluation', async () => {
  const home = join(base, 'home');
  const trained = await train({
    ...{ ...POCKET, ...LEARNED, objective: 'citer', home, folder: join(base, 'training') },
    ...{ waveSize: 4, positionCountMax: 2, roundCount: 1, width: 8 },
    fit: { epochCountMax: 4, batchSize: 64, validationShare: 0.3 },
  });
  expect(trained.rounds[0]?.rolledOutCount).toBeGreaterThan(0);
  const file = join(base, 'calibrated.safetensors');
  const calibrated = await calibrate({
    ...{ ...POCKET, ...HELD_OUT, headFile: trained.path, shares: [0.3], home },
    ...{ folder: join(base, 'calibration'), file },
  });
  expect(calibrated.isGraded).toBe(true);
  const router = decodeRouter(await readFile(file));
  expect(router.trainedOn.size).toBe(QUESTION_COUNT);
  expect(router.calibratedOn.size).toBe(HELD_OUT.count);
  expect(router.network.layers).toEqual(trained.router.network.layers);
  const { result } = await evaluate({
    ...{ ...POCKET, ...HELD_OUT, questionSeed: 10, strategies: ['citer'], shares: [0.3] },
    ...{ headFiles: [file], home, folder: join(base, 'evaluation'), keepsRows: false },
  });
  const routed = result.results.find(({ strategy }) => strategy === 'citer');
  expect(routed?.largeShare).toBeGreaterThan(0);
  expect(routed?.largeShare).toBeLessThan(1);
});
