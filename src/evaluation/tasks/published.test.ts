import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Question } from '../question.ts';
import { findTask, TASKS } from './registry.ts';
import type { LoadOptions } from './task.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-data-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, content: unknown): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
}

async function writeLines(name: string, rows: readonly unknown[]): Promise<void> {
  await write(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

function load(name: string, options: Partial<LoadOptions> = {}): Promise<readonly Question[]> {
  return findTask(name).load({ split: 'test', dataFolder: folder, ...options });
}

function gsm8kRow(number: number): object {
  return {
    question: `What is ${number} + 0?`,
    answer: `It is <<0>>${number}.\n#### 1,00${number}`,
  };
}

const FIVE = [0, 1, 2, 3, 4];

describe('published sets', () => {
  it('gsm8k: the answer is the text after the hashes', async () => {
    await writeLines('gsm8k/test.jsonl', [gsm8kRow(0), gsm8kRow(1)]);
    const [, second, ...others] = await load('gsm8k');
    expect(others).toEqual([]);
    expect(second).toMatchObject({
      id: 'gsm8k/test/1',
      text: 'What is 1 + 0?',
      answer: '1,001',
      kind: 'number',
    });
    expect(second?.messages[0]?.content).toContain('boxed');
    expect(second?.messages.at(-1)).toEqual({ role: 'user', content: 'What is 1 + 0?' });
  });

  it('svamp: half a sentence is joined to its question, and the id decides the split', async () => {
    const row = (number: number, Body: string): object => {
      return { ID: `chal-${number}`, Body, Question: 'How many?', Answer: number + 0.5 };
    };
    await write('svamp/SVAMP.json', [row(300, 'Ann has 3.'), row(301, 'If she has 4')]);
    expect(await load('svamp', { split: 'train' })).toMatchObject([
      { id: 'svamp/train/chal-300', text: 'Ann has 3. How many?', answer: '300.5' },
    ]);
    expect(await load('svamp')).toMatchObject([
      { id: 'svamp/test/chal-301', text: 'If she has 4, how many?', answer: '301.5' },
    ]);
  });

  it('math500 keeps the ids of its authors', async () => {
    const row = { problem: ' What? ', answer: '\\frac12', unique_id: 'test/algebra/17.json' };
    await writeLines('math500/test.jsonl', [{ ...row, level: 2 }]);
    expect(await load('math500')).toMatchObject([
      { id: 'math500/test/algebra/17', text: 'What?', answer: '\\frac12', kind: 'latex' },
    ]);
  });

  it('strategyqa is a choice of yes and no', async () => {
    await write('strategyqa/dev.json', [{ qid: 'ab', question: 'Is it?', answer: false }]);
    expect(await load('strategyqa', { split: 'dev' })).toMatchObject([
      { id: 'strategyqa/dev/ab', kind: 'choice', answer: 'No', options: ['Yes', 'No'] },
    ]);
  });

  it('repeated questions are asked once, and counted', async () => {
    const again = { ...gsm8kRow(1), question: 'what is 1 + 0' };
    await writeLines('gsm8k/test.jsonl', [gsm8kRow(0), gsm8kRow(1), again, gsm8kRow(2)]);
    const notices: string[] = [];
    const questions = await load('gsm8k', { onNotice: (notice) => notices.push(notice) });
    // The questions after it keep their ids.
    const ids = questions.map(({ id }) => id);
    expect(ids).toEqual(['gsm8k/test/0', 'gsm8k/test/1', 'gsm8k/test/3']);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/test\.jsonl: rows that ask a question again are left out: 1\.$/);
  });
});

describe('the selection of questions', () => {
  beforeEach(async () => {
    await writeLines('gsm8k/test.jsonl', FIVE.map(gsm8kRow));
  });

  const numbers = async (options: Partial<LoadOptions>): Promise<readonly number[]> =>
    (await load('gsm8k', options)).map(({ id }) => Number(id.slice('gsm8k/test/'.length)));

  it('takes a range', async () => {
    expect(await numbers({})).toEqual(FIVE);
    expect(await numbers({ count: 2 })).toEqual([0, 1]);
    expect(await numbers({ from: 3 })).toEqual([3, 4]);
    expect(await numbers({ from: 1, count: 2 })).toEqual([1, 2]);
  });

  it('draws with a seed, so that a smaller draw is a prefix of a larger one', async () => {
    const all = await numbers({ seed: 3 });
    expect(all).not.toEqual(FIVE);
    expect(all.toSorted()).toEqual(FIVE);
    expect(await numbers({ seed: 3, count: 2 })).toEqual(all.slice(0, 2));
    expect(await numbers({ seed: 4 })).not.toEqual(all);
  });

  it('takes the named ids, in their order', async () => {
    const ids = ['gsm8k/test/4', 'gsm8k/test/1', 'gsm8k/test/2'];
    expect(await numbers({ ids })).toEqual([4, 1, 2]);
    expect(await numbers({ ids, from: 1, count: 1 })).toEqual([1]);
  });

  it.each([
    [{ count: 6 }, 'option-invalid', /There are 5 questions, not 6/],
    [{ from: 5 }, 'option-invalid', /There are 5 questions/],
    [{ from: 4, count: 2 }, 'option-invalid', /not 2 from number 4 on/],
    [{ count: 0 }, 'option-invalid', /"count" is 0/],
    [{ from: -1 }, 'option-invalid', /"from" is -1/],
    [{ seed: 0.5 }, 'option-invalid', /"seed" is 0.5/],
    [{ ids: [] }, 'option-invalid', /No question/],
    [{ ids: ['gsm8k/test/1', 'gsm8k/test/1'] }, 'option-invalid', /named twice/],
    [{ ids: ['gsm8k/test/9'] }, 'question-unknown', /no question gsm8k\/test\/9\./],
    [{ ids: ['a', 'b', 'c', 'd', 'e'] }, 'question-unknown', /a, b, c and 2 more/],
    [{ split: 'dev' }, 'option-invalid', /no split "dev"/],
    [{ prompt: 'letter' }, 'option-invalid', /cannot use the prompt "letter"/],
  ])('is refused where it cannot be: %o', async (options, code, message) => {
    await expect(load('gsm8k', options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

describe('missing or invalid data', () => {
  it('is refused with the address of the data and the path for it', async () => {
    const path = join(folder, 'gsm8k', 'test.jsonl');
    await expect(load('gsm8k')).rejects.toMatchObject({
      code: 'data-not-found',
      message: `There is no file ${path}.`,
      remedy: expect.stringMatching(/not part of this package.*openai\/grade-school-math.*--data/),
    });
    for (const { name, splits } of TASKS.filter((task) => task.name !== 'pocket')) {
      const withoutFolder = findTask(name).load({ split: splits[0] ?? '' });
      await expect(withoutFolder).rejects.toMatchObject({
        code: 'data-not-found',
        remedy: expect.stringMatching(/Fetch it from (github|huggingface).*--data/),
      });
    }
  });

  it('distinguishes a folder from a missing file', async () => {
    await mkdir(join(folder, 'gsm8k', 'test.jsonl'), { recursive: true });
    await expect(load('gsm8k')).rejects.toMatchObject({ code: 'file-system-failed' });
  });

  it('names the line and every wrong field', async () => {
    await writeLines('gsm8k/test.jsonl', [gsm8kRow(0), { question: 1, answer: 'no hashes' }]);
    await expect(load('gsm8k')).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(/test\.jsonl, line 2: question: .*; answer: has no last line/),
      fields: { place: 'line 2' },
    });
  });

  it.each([
    ['a broken line', 'gsm8k/test.jsonl', `${JSON.stringify(gsm8kRow(0))}\n\n{"qu`, 'line 3'],
    ['no rows', 'gsm8k/test.jsonl', '\n\n', null],
    ['a word as number', 'gsm8k/test.jsonl', '{"question":"a","answer":"b\\n#### six"}', 'line 1'],
  ])('names %s', async (_, name, content, place) => {
    await write(name, content);
    await expect(load('gsm8k')).rejects.toMatchObject({ code: 'data-invalid', fields: { place } });
  });

  it('names the item of a JSON array', async () => {
    await write('svamp/SVAMP.json', [{ ID: 'chal-0', Body: '', Question: 'a', Answer: '1' }]);
    await expect(load('svamp')).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(/item 1: ID: .*; Body: .*; Answer: /),
    });
    await write('svamp/SVAMP.json', { a: 1 });
    await expect(load('svamp')).rejects.toThrow('is not a JSON array');
    await write('svamp/SVAMP.json', '[');
    await expect(load('svamp')).rejects.toMatchObject({ code: 'data-invalid' });
  });

  it('refuses a repeated id', async () => {
    const row = (ID: string, Body: string): object => ({ ID, Body, Question: 'q', Answer: 1 });
    await write('svamp/SVAMP.json', [row('chal-301', 'a'), row('chal-301', 'b')]);
    await expect(load('svamp')).rejects.toThrow(
      'item 2: has the id of item 1: svamp/test/chal-301',
    );
  });

  it('refuses bytes that are not text', async () => {
    await mkdir(join(folder, 'gsm8k'));
    await writeFile(join(folder, 'gsm8k', 'test.jsonl'), Uint8Array.of(0x7b, 0xff, 0x7d));
    await expect(load('gsm8k')).rejects.toThrow('is not text in UTF-8');
  });
});
