/** The life of a reward on learned weights, on a small scale: trained, calibrated, used. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { calibrate } from '../../src/app/calibrate.ts';
import { evaluate } from '../../src/app/evaluate.ts';
import { trainReward } from '../../src/app/train-reward.ts';
import { decodeReward } from '../../src/judging/reward-file.ts';

const POCKET = { pair: 'pocket', offline: true, threadCount: 1, maxTokens: 80 } as const;
const LEARNED = { task: 'pocket', questionSeed: 3, count: 4 } as const;
const HELD_OUT = { task: 'pocket', split: 'test', questionSeed: 9, count: 2 } as const;

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotfish-reward-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

it('is trained on trees, calibrated by replays, and rejects steps in an evaluation', async () => {
  const home = join(base, 'home');
  const trained = await trainReward({
    ...{ ...POCKET, ...LEARNED, home, folder: join(base, 'training') },
    ...{ waveSize: 4, width: 8, stateCountMax: 5, answerCount: 1 },
    fit: { epochCountMax: 4, batchSize: 64, validationShare: 0.3 },
  });
  expect(trained.report.harmfulShare).toBeGreaterThan(0);
  const file = join(base, 'calibrated.safetensors');
  const calibrated = await calibrate({
    ...{ ...POCKET, ...HELD_OUT, headFile: trained.path, home, stateCountMax: 5 },
    ...{ folder: join(base, 'calibration'), file },
  });
  expect(calibrated.kind).toBe('reward');
  const reward = decodeReward(await readFile(file));
  expect([reward.trainedOn.size, reward.calibratedOn.size]).toEqual([LEARNED.count, 2]);
  expect(reward.network.layers).toEqual(trained.reward.network.layers);
  // It learnt from four questions: only the threshold that rejects most is sure to reject.
  const most = reward.calibration?.points.at(-1);
  const { result } = await evaluate({
    ...{ ...POCKET, ...HELD_OUT, questionSeed: 10, headFiles: [file], home },
    strategies: [`rsd@${most?.threshold ?? 0.5}`],
    ...{ folder: join(base, 'evaluation'), keepsRows: false },
  });
  const run = result.results.find(({ strategy }) => strategy === 'rsd');
  expect(run?.largeShare).toBeGreaterThan(0);
  // Its default threshold was chosen on the questions of its calibration.
  const onSeen = evaluate({
    ...{ ...POCKET, ...HELD_OUT, headFiles: [file], home },
    ...{ strategies: ['hgs-prm'], folder: join(base, 'seen') },
  });
  await expect(onSeen).rejects.toMatchObject({
    code: 'data-overlap',
    message: expect.stringContaining('calibrated on 2 of these 2 questions'),
  });
});
