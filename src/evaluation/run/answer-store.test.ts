import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CODES,
  MAX_TOKENS,
  questionOf,
  scriptedEvaluation,
} from '../../../test/evaluation/scripted-evaluation.ts';
import type { AnswerRecord } from './answer-record.ts';
import { AnswerStore } from './answer-store.ts';
import { LARGE_ALONE, SMALL_ALONE } from './evaluation-plan.ts';
import { runWave } from './run-wave.ts';

let folder: string;
let path: string;
let records: readonly AnswerRecord[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-answers-'));
  path = join(folder, 'answers.jsonl');
  const { pair } = scriptedEvaluation();
  const questions = [1, 2].map((index) => questionOf(index));
  records = await runWave(questions, LARGE_ALONE, { engine: pair.engine, maxTokens: MAX_TOKENS });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a store of answers', () => {
  it('has the answers that were added, in this process and the next', async () => {
    const store = await AnswerStore.open(path, CODES);
    expect(store.get(LARGE_ALONE, questionOf(1))).toBeNull();
    await store.add(records);
    for (const one of [store, await AnswerStore.open(path, CODES)]) {
      expect(one.get(LARGE_ALONE, questionOf(1))).toEqual(records[0]);
      expect(one.get(LARGE_ALONE, questionOf(2))).toEqual(records[1]);
      expect(one.get(SMALL_ALONE, questionOf(1))).toBeNull();
      expect(one.get({ ...LARGE_ALONE, seed: 1 }, questionOf(1))).toBeNull();
      expect(one.get({ ...LARGE_ALONE, threshold: 0 }, questionOf(1))).toBeNull();
      expect(one.get(LARGE_ALONE, questionOf(3))).toBeNull();
    }
  });

  it('names the line that is not an answer', async () => {
    await (await AnswerStore.open(path, CODES)).add(records);
    await appendFile(path, '{}\n');
    await expect(AnswerStore.open(path, CODES)).rejects.toMatchObject({
      code: 'evaluation-invalid',
      message: expect.stringMatching(/^Line 3 of .*answers\.jsonl is no answer: question: /),
      fields: { path, line: 3 },
    });
  });

  it('refuses an answer to a different question of the same name', async () => {
    const store = await AnswerStore.open(path, CODES);
    await store.add(records);
    expect(() => store.get(LARGE_ALONE, questionOf(1, 'another answer'))).toThrow(
      expect.objectContaining({
        code: 'evaluation-invalid',
        message: `${path} has an answer to another question named letters/1.`,
      }),
    );
  });
});
