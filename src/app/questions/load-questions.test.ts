import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadQuestions, type QuestionOptions } from './load-questions.ts';

let folder: string;
let traffic: string;
let mine: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-questions-'));
  traffic = join(folder, 'traffic.jsonl');
  mine = join(folder, 'mine.jsonl');
  const prompts = ['a', 'b', 'c', 'b', 'd'].map((prompt) => JSON.stringify({ prompt }));
  await writeFile(traffic, prompts.join('\n'));
  await writeFile(mine, '{"question": "1 + 1?", "answer": "2"}\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const textsOf = async (options: QuestionOptions): Promise<readonly string[]> =>
  (await loadQuestions({ traffic, ...options })).questions.map(({ text }) => text);

describe('the split of questions', () => {
  const pocket = { task: 'pocket', count: 3 };

  it('is test, unless another split is preferred or requested', async () => {
    const plain = await loadQuestions(pocket);
    const preferred = await loadQuestions(pocket, 'train');
    expect([plain.task, preferred.task]).toEqual(['pocket/test', 'pocket/train']);
    expect(preferred.questions).not.toEqual(plain.questions);
    const asked = await loadQuestions({ ...pocket, split: 'test' }, 'train');
    expect(asked).toEqual(plain);
  });

  it('is the only split of a file, or the first of a task without the preferred split', async () => {
    const { task, questions } = await loadQuestions({ task: mine }, 'train');
    expect(task).toMatch(/\/all$/);
    expect(questions.map(({ answer }) => answer)).toEqual(['2']);
    // The error names the split that was searched for.
    for (const [name, preferred, split] of [
      ['gsm8k', 'train', 'train'],
      ['math500', 'train', 'test'],
      ['strategyqa', 'train', 'dev'],
    ]) {
      const missing = loadQuestions({ task: name ?? '', dataFolder: folder }, preferred);
      await expect(missing).rejects.toMatchObject({
        code: 'data-not-found',
        message: expect.stringContaining(split ?? ''),
      });
    }
  });
});

describe('traffic', () => {
  it('is taken whole, each prompt once, or from a given index on', async () => {
    expect(await textsOf({})).toEqual(['a', 'b', 'c', 'd']);
    expect(await textsOf({ from: 1, count: 2 })).toEqual(['b', 'c']);
    const { task } = await loadQuestions({ traffic });
    expect(task).toBe('traffic.jsonl');
  });

  it('is shuffled by a seed, and its parts do not overlap', async () => {
    const orders = await Promise.all(
      Array.from({ length: 8 }, (_, questionSeed) => textsOf({ questionSeed })),
    );
    expect(new Set(orders.map((order) => order.join(''))).size).toBeGreaterThan(3);
    const first = await textsOf({ questionSeed: 3, count: 2 });
    const second = await textsOf({ questionSeed: 3, from: 2 });
    expect([...first, ...second]).toEqual(orders[3]);
    expect([...first, ...second].sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is refused if it has fewer questions than requested', async () => {
    await expect(textsOf({ from: 2, count: 3 })).rejects.toMatchObject({ code: 'option-invalid' });
  });

  it.each([
    { task: 'pocket' },
    { split: 'train' },
    { slice: 'gsm8k-test-400' },
    { prompt: 'steps' },
  ])('goes with no %o', async (options) => {
    const [name = ''] = Object.keys(options);
    await expect(textsOf(options)).rejects.toMatchObject({
      code: 'option-invalid',
      message: `Traffic has no ${name}.`,
      remedy: expect.stringContaining(`--${name}`),
      fields: { option: name },
    });
  });
});

it('needs a task, or traffic', async () => {
  await expect(loadQuestions({})).rejects.toMatchObject({
    code: 'option-invalid',
    fields: { option: '--task' },
  });
});
