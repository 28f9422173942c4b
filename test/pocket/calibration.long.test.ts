/** A router's calibration on learned weights: measured shares, the default that is asked for, traffic. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Calibrated, calibrate } from '../../src/app/calibrate.ts';
import { evaluate } from '../../src/app/evaluate.ts';
import { loadQuestions } from '../../src/app/questions/load-questions.ts';
import { train } from '../../src/app/train.ts';
import { questionNumber } from '../../src/evaluation/question-key.ts';
import { thresholdForQuality, thresholdForShare } from '../../src/judging/calibration.ts';
import { decodeRouter } from '../../src/judging/router-file.ts';

const POCKET = { pair: 'pocket', offline: true, threadCount: 1, maxTokens: 120 } as const;
const HELD_OUT = { task: 'pocket', split: 'test', questionSeed: 9, count: 8 } as const;
const SHARES = [0.05, 0.3, 0.6];

let base: string;
let headFile: string;
let calibrated: Calibrated;
const folderOf = (name: string): string => join(base, name);
const optionsOf = (name: string) => ({
  ...{ ...POCKET, headFile, shares: SHARES, home: folderOf('home') },
  ...{ folder: folderOf(name), file: folderOf(`${name}.safetensors`) },
});

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotfish-calibration-'));
  const { path } = await train({
    ...{ ...POCKET, task: 'pocket', questionSeed: 3, count: 8, objective: 'citer-s' },
    ...{ folder: folderOf('training'), home: folderOf('home'), width: 8 },
    fit: { epochCountMax: 4, batchSize: 64, validationShare: 0.3 },
  });
  headFile = path;
  calibrated = await calibrate({ ...optionsOf('graded'), ...HELD_OUT });
});
afterAll(() => rm(base, { recursive: true, force: true }));

it('measures shares and qualities, and writes them into the file', async () => {
  const { calibration, isGraded, path } = calibrated;
  expect(isGraded).toBe(true);
  const { points } = calibration;
  expect(points).toHaveLength(SHARES.length);
  const shares = points.map(({ share }) => share);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  for (const [index, wanted] of SHARES.entries()) {
    expect(Math.abs((shares[index] ?? 0) - wanted)).toBeLessThan(0.15);
  }
  const agreements = points.map(({ agreement }) => agreement);
  expect(agreements).toEqual([...agreements].sort((a, b) => a - b));
  const written = decodeRouter(await readFile(path));
  expect(written.calibration).toEqual(calibration);
  // The router itself is unchanged.
  const before = decodeRouter(await readFile(headFile));
  expect(written.network.layers).toEqual(before.network.layers);
  expect(written.trainedOn).toEqual(before.trainedOn);
  const { questions } = await loadQuestions(HELD_OUT);
  expect(before.calibratedOn).toEqual(new Set());
  expect(written.calibratedOn).toEqual(new Set(questions.map(questionNumber)));
});

it('chooses the default by share or by quality, and refuses what no threshold reaches', async () => {
  const again = { ...optionsOf('graded'), ...HELD_OUT };
  const byShare = await calibrate({ ...again, share: 0.4 });
  const { calibration, head } = byShare;
  // Nothing is asked again in the same folder.
  expect(calibration).toEqual(calibrated.calibration);
  expect(head.defaultThreshold).toBe(thresholdForShare(calibration, 0.4));
  const quality = calibration.points.at(-1)?.gapRecovered ?? 0;
  const byQuality = await calibrate({ ...again, quality });
  expect(byQuality.head.defaultThreshold).toBe(
    thresholdForQuality(calibration, 'gapRecovered', quality),
  );
  await expect(calibrate({ ...again, quality: 2 })).rejects.toMatchObject({
    code: 'threshold-invalid',
  });
  await expect(calibrate({ ...again, share: 0.4, quality })).rejects.toMatchObject({
    code: 'option-invalid',
    fields: { share: 0.4, quality },
  });
});

it('keeps the default where nothing reaches the usual quality, and says so', async () => {
  const before = decodeRouter(await readFile(headFile)).defaultThreshold;
  const notices: string[] = [];
  const again = {
    ...{ ...optionsOf('graded'), ...HELD_OUT, shares: [0.05], file: folderOf('narrow') },
    onNotice: (text: string) => notices.push(text),
  };
  const { head, calibration } = await calibrate(again);
  expect(calibration.points[0]?.threshold).not.toBe(before);
  expect(head.defaultThreshold).toBe(before);
  expect(notices).toContain(
    'No threshold gives 80 % of the gap between the models: the default stays as it was.',
  );
});

it('is not believed on its own questions: shares are refused there, thresholds are not', async () => {
  const run = (strategy: string, questionSeed: number) =>
    evaluate({
      ...{ ...POCKET, ...HELD_OUT, count: 2, questionSeed, strategies: [strategy] },
      ...{ headFiles: [calibrated.path], folder: folderOf(`asked-${questionSeed}`) },
      home: folderOf('home'),
    });
  await expect(run('citer-s@30%', HELD_OUT.questionSeed)).rejects.toMatchObject({
    code: 'data-overlap',
    message: expect.stringContaining('was calibrated on 2 of these 2 questions'),
  });
  const pointsOf = async (strategy: string, questionSeed: number) =>
    (await run(strategy, questionSeed)).result.results.map((point) => point.strategy);
  const points = ['small', 'large', 'citer-s'];
  expect(await pointsOf('citer-s@0.5', HELD_OUT.questionSeed)).toEqual(points);
  expect(await pointsOf('citer-s@30%', 11)).toEqual(points);
});

it('is left out, with a notice, if no strategy is named and it has seen the questions', async () => {
  const strategiesOn = async (split: string, name: string) => {
    const notices: string[] = [];
    const { result } = await evaluate({
      ...{ ...POCKET, task: 'pocket', questionSeed: 3, count: 1, split, maxTokens: 8 },
      ...{ shares: [0.5], seedCount: 1, headFiles: [headFile], home: folderOf('home') },
      ...{ folder: folderOf(name), onNotice: (text: string) => notices.push(text) },
    });
    return { notices, names: result.results.map(({ strategy }) => strategy) };
  };
  const seen = await strategiesOn('train', 'unnamed-seen');
  expect(seen.notices).toContainEqual(
    expect.stringMatching(/^citer-s is left out: .* was trained on 1 of these 1 questions/),
  );
  expect(seen.names).toContain('entropy');
  expect(seen.names).not.toContain('citer-s');
  const fresh = await strategiesOn('test', 'unnamed-fresh');
  expect(fresh.notices.filter((text) => text.includes('citer-s'))).toEqual([]);
  expect(fresh.names).toContain('citer-s');
});

it('also works on prompts that cannot be graded', async () => {
  const { questions } = await loadQuestions(HELD_OUT);
  const traffic = folderOf('traffic.jsonl');
  const lines = questions.map(({ messages }, index) =>
    JSON.stringify(index % 2 === 0 ? { messages } : { prompt: messages[0]?.content }),
  );
  await writeFile(traffic, lines.join('\n'));
  const ungraded = await calibrate({ ...optionsOf('traffic'), traffic });
  expect(ungraded.isGraded).toBe(false);
  const graded = calibrated.calibration.points;
  const { points } = ungraded.calibration;
  expect(points.map(({ threshold, share }) => ({ threshold, share }))).toEqual(
    graded.map(({ threshold, share }) => ({ threshold, share })),
  );
  expect(points.every(({ gapRecovered }) => gapRecovered === null)).toBe(true);
});

it('refuses questions that the router was trained on', async () => {
  const trained = { task: 'pocket', split: 'train', questionSeed: 3, from: 5, count: 5 } as const;
  await expect(calibrate({ ...optionsOf('seen'), ...trained })).rejects.toMatchObject({
    code: 'data-overlap',
  });
});
