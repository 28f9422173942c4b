import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CODES,
  MAX_TOKENS,
  pointOf,
  questionOf,
  type ScriptedEvaluation,
  type ScriptedEvaluationOptions,
  scriptedEvaluation,
  WAVE_SIZE,
} from '../../../test/evaluation/scripted-evaluation.ts';
import { type AnsweringOptions, answerAll, wavesOf } from './answer-all.ts';
import { AnswerStore } from './answer-store.ts';
import { LARGE_ALONE, SMALL_ALONE } from './evaluation-plan.ts';

const QUESTIONS = Array.from({ length: 10 }, (_, index) => questionOf(index));
const POINTS = [SMALL_ALONE, LARGE_ALONE, pointOf('entropy@0.5')];

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-answering-'));
  path = join(folder, 'answers.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Answering extends ScriptedEvaluation {
  readonly options: AnsweringOptions;
}

async function answering(
  world: ScriptedEvaluationOptions = {},
  more: Partial<AnsweringOptions> = {},
): Promise<Answering> {
  const opened = scriptedEvaluation(world);
  const store = await AnswerStore.open(path, CODES);
  const options = { pair: opened.pair, store, maxTokens: MAX_TOKENS, waveSize: WAVE_SIZE, ...more };
  return { ...opened, options };
}

/** The requests as pairs of strategy and question. */
function asked({ requests }: ScriptedEvaluation): readonly string[] {
  return requests.map(({ strategy, messages }) => `${strategy} ${messages?.[0]?.content}`);
}

async function lineCount(of = path): Promise<number> {
  return (await readFile(of, 'utf8')).split('\n').length - 1;
}

describe('answering', () => {
  it('runs wave after wave, each under every point', async () => {
    const world = await answering();
    await answerAll(QUESTIONS, POINTS, 'Answering', world.options);
    const expected = wavesOf(QUESTIONS, WAVE_SIZE).flatMap((wave) =>
      ['small', 'large', 'entropy@0.5'].flatMap((strategy) =>
        wave.map(({ messages }) => `${strategy} ${messages[0]?.content}`),
      ),
    );
    expect(asked(world)).toEqual(expected);
    expect(await lineCount()).toBe(30);
    expect(world.openCount()).toBe(0);
  });

  it('asks nothing twice, and reports its progress', async () => {
    await answerAll(QUESTIONS, POINTS.slice(0, 2), 'Answering', (await answering()).options);
    const progress: unknown[] = [];
    const again = await answering({}, { onProgress: (event) => progress.push(event) });
    await answerAll(QUESTIONS, POINTS, 'Answering', again.options);
    expect(again.requests).toHaveLength(10);
    expect(new Set(again.requests.map(({ strategy }) => strategy))).toEqual(
      new Set(['entropy@0.5']),
    );
    expect(progress.at(-1)).toEqual({ label: 'Answering', done: 30, total: 30, unit: 'steps' });
    await answerAll(QUESTIONS, POINTS, 'Answering', again.options);
    expect(again.requests).toHaveLength(10);
    expect(await lineCount()).toBe(30);
  });

  it('loses only the current wave when it is stopped', async () => {
    const controller = new AbortController();
    const rows = join(folder, 'rows');
    const world = await answering(
      { folder: rows, onRequest: (_, index) => void (index === 17 && controller.abort()) },
      { signal: controller.signal },
    );
    const stopped = answerAll(QUESTIONS, POINTS, 'Answering', world.options);
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(world.openCount()).toBe(0);
    await world.engine.checkIdle();
    // Three points of the first wave and one point of the second were complete.
    expect(await lineCount()).toBe(16);
    const rest = await answering({ folder: rows });
    await answerAll(QUESTIONS, POINTS, 'Answering', rest.options);
    expect(rest.requests).toHaveLength(30 - 16);
    const plain = scriptedEvaluation();
    const fresh = await AnswerStore.open(join(folder, 'fresh.jsonl'), CODES);
    await answerAll(QUESTIONS, POINTS, 'Answering', {
      ...rest.options,
      pair: plain.pair,
      store: fresh,
    });
    for (const point of POINTS) {
      for (const question of QUESTIONS) {
        expect(rest.options.store.get(point, question)).toEqual(fresh.get(point, question));
      }
    }
  });

  it('keeps no rows of an unfinished wave, so that it runs in the same batches again', async () => {
    const controller = new AbortController();
    const rows = join(folder, 'rows');
    let forwardCount = 0;
    const large = { onForward: async () => void (++forwardCount === 40 && controller.abort()) };
    const world = await answering({ folder: rows, large }, { signal: controller.signal });
    const stopped = answerAll(QUESTIONS, [LARGE_ALONE], 'Answering', world.options);
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    await world.engine.close();
    expect(world.pair.rowCounts().computed).toBeGreaterThan(0);
    const rest = await answering({ folder: rows });
    await answerAll(QUESTIONS, [LARGE_ALONE], 'Answering', rest.options);
    expect(rest.pair.rowCounts()).toMatchObject({ known: 0 });
    const warm = scriptedEvaluation({ folder: rows });
    const store = await AnswerStore.open(join(folder, 'warm.jsonl'), CODES);
    await answerAll(QUESTIONS, [LARGE_ALONE], 'Answering', {
      ...rest.options,
      pair: warm.pair,
      store,
    });
    expect(warm.pair.rowCounts()).toMatchObject({ computed: 0 });
  });

  it('stops on an earlier abort before it asks anything', async () => {
    const world = await answering({}, { signal: AbortSignal.abort() });
    const stopped = answerAll(QUESTIONS, POINTS, 'Answering', world.options);
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(world.requests).toEqual([]);
  });

  it('logs every event with the name of its run', async () => {
    const logPath = join(folder, 'logs.jsonl');
    const world = await answering({}, { logPath });
    await answerAll(QUESTIONS.slice(0, 5), POINTS.slice(0, 1), 'Answering', world.options);
    const events = (await readFile(logPath, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(
      events
        .filter(({ type }) => type === 'summary')
        .map(({ run }) => run)
        .sort(),
    ).toEqual(QUESTIONS.slice(0, 5).map(({ id }) => `small seed 0 ${id}`));
    expect(events.every(({ run }) => typeof run === 'string')).toBe(true);
  });
});

describe('waves', () => {
  it('are fixed sections of a list', () => {
    expect(wavesOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(wavesOf([], 2)).toEqual([]);
    expect(wavesOf([1], 9)).toEqual([[1]]);
  });
});
