/**
 * A router from questions to its file, on learned weights: interrupted at every phase, resumed, and
 * used.
 */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evaluate } from '../../src/app/evaluate.ts';
import type { TrainOptions } from '../../src/app/heads/train-settings.ts';
import { openEngine } from '../../src/app/open-engine.ts';
import { loadQuestions } from '../../src/app/questions/load-questions.ts';
import { train } from '../../src/app/train.ts';
import { decodeRouter } from '../../src/judging/router-file.ts';
import type { RoundReport } from '../../src/training/rounds/train-router.ts';

const QUESTIONS = { task: 'pocket', questionSeed: 3, count: 6 } as const;
const POCKET = { pair: 'pocket', offline: true, threadCount: 1 } as const;
/** The files of written answers, traces and rollouts. */
const KEPT = /\.jsonl$|^evaluation\.json$/;
/** The phases of a training, by the labels of its progress. */
const PHASES: readonly string[] = [
  'Answering with the large model',
  'Labelling, round 1',
  'Training the network of round 1',
  'Answering with the router of round 1',
  'Labelling, round 2',
  'Training the network of round 2',
];

let base: string;
/** The file after many interruptions, and the file of an uninterrupted training on the same labels. */
let [resumed, again]: Uint8Array[] = [];
let resumedRounds: readonly RoundReport[];
let againRounds: readonly RoundReport[];
const stoppedIn: string[] = [];
const folderOf = (name: string): string => join(base, name);

function optionsOf(name: string): TrainOptions {
  return {
    ...{ ...QUESTIONS, ...POCKET, objective: 'citer', folder: folderOf(name) },
    ...{ home: folderOf('home'), maxTokens: 120, waveSize: 4, positionCountMax: 3 },
    ...{ width: 8, fit: { epochCountMax: 6, batchSize: 64, validationShare: 0.3 } },
  };
}

/** Trains until some work of the phase is done, or to the end. */
async function trainUntil(phase: string | null): Promise<readonly RoundReport[]> {
  const caller = new AbortController();
  const { rounds } = await train({
    ...optionsOf('resumed'),
    signal: caller.signal,
    onProgress: ({ label, done }) => {
      if (label === phase && done > 0) caller.abort();
    },
  });
  return rounds;
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotfish-training-'));
  for (const phase of PHASES) {
    const error: unknown = await trainUntil(phase).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'aborted' });
    stoppedIn.push(phase);
  }
  resumedRounds = await trainUntil(null);
  await mkdir(folderOf('again'));
  for (const name of await readdir(folderOf('resumed'))) {
    if (!KEPT.test(name)) continue;
    await copyFile(join(folderOf('resumed'), name), join(folderOf('again'), name));
  }
  againRounds = (await train(optionsOf('again'))).rounds;
  [again, resumed] = await Promise.all(
    ['again', 'resumed'].map((name) => readFile(join(folderOf(name), 'citer.safetensors'))),
  );
});
afterAll(() => rm(base, { recursive: true, force: true }));

it('ends in the same file on the same labels, after interruptions at any point', async () => {
  expect(stoppedIn).toEqual(PHASES);
  expect(againRounds).toEqual(resumedRounds);
  expect(resumed).toEqual(again);
  // All labels are there, and none was added.
  for (const name of await readdir(folderOf('again'))) {
    if (!KEPT.test(name)) continue;
    const [ours, theirs] = await Promise.all(
      ['again', 'resumed'].map((folder) => readFile(join(folderOf(folder), name), 'utf8')),
    );
    expect(ours).toBe(theirs);
  }
});

it('has the labels of an uninterrupted training', async () => {
  // Hidden states differ in their last digits where forwards were batched with others, so the files
  // differ. The written texts and their ends do not.
  const { rounds } = await train({ ...optionsOf('whole'), roundCount: 1 });
  expect(labelsOf(rounds)).toEqual(labelsOf(resumedRounds.slice(0, 1)));
  const [whole, stopped] = await Promise.all(
    ['whole', 'resumed'].map((name) => readFile(join(folderOf(name), 'rollouts.jsonl'), 'utf8')),
  );
  const lines = new Set(stopped?.split('\n'));
  expect(whole?.split('\n').filter((line) => !lines.has(line))).toEqual([]);
});

function labelsOf(rounds: readonly RoundReport[]): readonly unknown[] {
  return rounds.map(({ tokenCount, targetCount, agreeCount, lowCount, rolloutCount }) => {
    return { tokenCount, targetCount, agreeCount, lowCount, rolloutCount };
  });
}

it('has two rounds, the second with the answers of the first', () => {
  const [first, second] = resumedRounds;
  expect(first).toMatchObject({ round: 1, policyShare: 0 });
  expect(second?.trajectoryCount).toBe(2 * (first?.trajectoryCount ?? 0));
  expect(second?.policyShare).toBeGreaterThan(0);
  expect(first?.rolledOutCount).toBeGreaterThan(0);
});

it('says how it was made', async () => {
  const { training } = decodeRouter(await readFile(join(folderOf('resumed'), 'citer.safetensors')));
  expect(training).toMatchObject({
    ...{ questions: 'pocket/train', prompt: 'bare', questionCount: 6, questionSeed: 3, seed: 1 },
    ...{ maxTokens: 120, roundCount: 2, drawCount: 1, firstPolicy: 'small', positionCountMax: 3 },
    ...{ epochCountMax: 6, batchSize: 64, validationShare: 0.3, rate: 0.001, balanceMax: 1 },
  });
});

it('learns from traffic, whose answers cannot be checked', async () => {
  const { questions } = await loadQuestions({ ...QUESTIONS, questionSeed: 8 });
  const traffic = folderOf('mine.jsonl');
  await writeFile(
    traffic,
    questions.map(({ messages }) => `${JSON.stringify({ messages })}\n`).join(''),
  );
  const { task: _, count: _1, questionSeed: _2, ...options } = optionsOf('traffic');
  const trained = await train({ ...options, traffic, objective: 'citer-s' });
  // Every answer of the large model counts as right.
  expect([trained.solvedCount, trained.questionCount]).toEqual([6, 6]);
  expect(trained.router.training).toMatchObject({ questions: 'mine.jsonl', questionCount: 6 });
  expect(trained.router.training).not.toHaveProperty('prompt');
  expect(trained.rounds[0]?.lowCount).toBeGreaterThan(0);
  expect(trained.router.trainedOn.size).toBe(6);
});

it('is not used for questions that it was trained on', async () => {
  const file = join(folderOf('resumed'), 'citer.safetensors');
  const run = evaluate({
    ...{ ...QUESTIONS, ...POCKET, split: 'train', count: 2, strategies: ['citer'] },
    ...{ headFiles: [file], folder: folderOf('evaluation'), home: folderOf('home') },
  });
  await expect(run).rejects.toMatchObject({
    code: 'data-overlap',
    fields: { commonCount: 2, evaluationCount: 2 },
  });
  expect(decodeRouter(await readFile(file)).trainedOn.size).toBe(QUESTIONS.count);
});

it('is refused for other models, and used for its own', async () => {
  const options = {
    ...{ ...POCKET, home: folderOf('home'), strategies: ['citer'] },
    headFiles: [join(folderOf('resumed'), 'citer.safetensors')],
  };
  const other = openEngine({ ...options, pair: 'pocket-strong' });
  await expect(other).rejects.toMatchObject({
    code: 'head-mismatch',
    message: expect.stringContaining('the small model here is pocket-small-strong'),
  });
  const without = openEngine({ ...options, pair: 'pocket-strong', headFiles: [] });
  await expect(without).rejects.toMatchObject({ code: 'head-missing' });
  await using engine = await openEngine(options);
  let text = '';
  const request = { prompt: 'Ann has 3 apples.', maxTokens: 8, strategy: 'citer@50%' };
  for await (const event of engine.generate(request)) {
    if (event.type === 'token') text += event.text;
  }
  expect(text).not.toBe('');
});
