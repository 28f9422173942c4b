import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { grade } from '../graders/grade.ts';
import type { Question } from '../question.ts';
import { workedAnswer } from './pocket/answer.ts';
import { pocketProblem } from './pocket/problem.ts';
import { findTask } from './registry.ts';
import type { LoadOptions } from './task.ts';

describe('the pocket task', () => {
  const load = (options: Partial<LoadOptions>): Promise<readonly Question[]> =>
    findTask('pocket').load({ split: 'test', ...options });

  it('makes any number of questions, each identified by seed and index', async () => {
    const questions = await load({ count: 3, from: 7, seed: 5 });
    const ids = ['pocket/test/5/7', 'pocket/test/5/8', 'pocket/test/5/9'];
    expect(questions.map(({ id }) => id)).toEqual(ids);
    for (const [index, question] of questions.entries()) {
      const problem = pocketProblem({ split: 'test', seed: 5 }, 7 + index);
      expect(question.text).toBe(problem.question);
      expect(question.messages).toEqual([{ role: 'user', content: problem.question }]);
      expect(grade(workedAnswer(problem), question).isRight).toBe(true);
    }
    expect(await load({ ids: ids.toReversed() })).toEqual(questions.toReversed());
    expect(await load({ ids, from: 1, count: 1 })).toEqual([questions[1]]);
  });

  it.each([
    [{}, 'option-invalid'],
    [{ count: 1e7 }, 'option-invalid'],
    [{ count: 0 }, 'option-invalid'],
    [{ count: 1, seed: -1 }, 'option-invalid'],
    [{ count: 1, split: 'dev' }, 'option-invalid'],
    [{ ids: ['pocket/test/1/1', 'pocket/test/1/1'] }, 'option-invalid'],
    [{ ids: ['pocket/train/1/1'] }, 'question-unknown'],
    [{ ids: ['pocket/test/1/01'] }, 'question-unknown'],
    [{ ids: ['pocket/test/1'] }, 'question-unknown'],
  ])('refuses %o', async (options, code) => {
    await expect(load(options)).rejects.toMatchObject({ code });
  });
});

describe("a user's own file", () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilotfish-data-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function load(rows: readonly unknown[], options = {}): Promise<readonly Question[]> {
    const path = join(folder, 'mine.jsonl');
    await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\r\n`).join(''));
    return await findTask(path).load({ split: 'all', ...options });
  }

  it('keeps every digit of a number', async () => {
    const path = join(folder, 'mine.jsonl');
    const answers = ['9007199254740993', '-12345678901234567890', '0.1000000000000000055', '7'];
    const rows = answers.map((answer, n) => `{"question": "What is ${n}?", "answer": ${answer}}`);
    await writeFile(path, rows.join('\n'));
    const questions = await findTask(path).load({ split: 'all' });
    expect(questions.map(({ answer, kind }) => [answer, kind])).toEqual(
      answers.map((answer) => [answer, 'number']),
    );
  });

  it('determines the kind of answer by its fields', async () => {
    const questions = await load([
      { question: 'What is 1 + 1?', answer: 2, extra: true },
      { question: 'How much?', answer: '$1,200', id: 'price' },
      { question: 'Who?', answer: 'Ada', id: 7 },
      { question: 'Which?', answer: 'B', options: ['Rome', 'Paris'] },
      { question: 'Solve.', answer: '2', kind: 'latex' },
    ]);
    expect(questions.map(({ id, kind }) => [id, kind])).toEqual([
      ['mine/1', 'number'],
      ['mine/price', 'number'],
      ['mine/7', 'text'],
      ['mine/4', 'choice'],
      ['mine/5', 'latex'],
    ]);
    expect(questions[0]?.answer).toBe('2');
    // Each kind has a prompt of its own.
    expect(new Set(questions.map(({ messages }) => messages[0]?.content)).size).toBe(5);
    expect(questions[3]?.messages[0]?.content).toContain('(B) Paris');
    expect(questions[4]?.messages[0]?.content).toContain('\\boxed');
  });

  it('reads an answer that only begins with a number as a text, unless its kind is given', async () => {
    const kindOf = async (answer: string | number, kind?: string) => {
      const [question] = await load([{ question: 'What?', answer, ...(kind && { kind }) }]);
      return question?.kind;
    };
    for (const answer of ['12 Angry Men', '4 July', '12 eggs', '2nd', '1 and 2', '5!']) {
      expect([answer, await kindOf(answer)]).toEqual([answer, 'text']);
    }
    for (const answer of [
      -2.5,
      '$1,200.',
      '45 %',
      '45 percent',
      '20 €',
      'USD 20',
      '20 USD',
      '3/4',
      '1.5 million',
      '(7)',
    ]) {
      expect([answer, await kindOf(answer)]).toEqual([answer, 'number']);
    }
    expect(await kindOf('12 eggs', 'number')).toBe('number');
  });

  it('is asked in the named prompt', async () => {
    const rows = [{ question: 'What is 1 + 1?', answer: 2 }];
    const [question] = await load(rows, { prompt: 'bare' });
    expect(question?.messages[0]?.content).toBe('What is 1 + 1?');
  });

  it.each([
    [
      'every wrong field',
      { question: '', answer: '', kind: 'essay' },
      /line 2: question: .*; answer: .*; kind: /,
    ],
    [
      'an answer that is no number',
      { answer: 'two', kind: 'number' },
      /line 2.*"two".*not one number/,
    ],
    ['an answer that is no option', { answer: 'C', options: ['x', 'y'] }, /line 2.*"C".*no option/],
    ['too few options', { answer: 'A', options: ['x'] }, /line 2: .*options/],
    ['a choice without options', { answer: 'A', kind: 'choice' }, /line 2: .*2 to 26 options/],
    [
      'a question asked before',
      { question: ' one', answer: 'x' },
      /line 2: asks the same.* as line 1/,
    ],
    [
      'an id that was used',
      { question: 'b', answer: 1, id: 1 },
      /line 2: has the id of line 1: mine\/1/,
    ],
  ])('is refused for %s', async (_, row, message) => {
    const rows = [
      { question: 'One?', answer: '1' },
      { question: 'Two?', ...row },
    ];
    await expect(load(rows)).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(message),
    });
  });

  it('is refused if it is missing, or for any split', async () => {
    const missing = findTask(join(folder, 'none.jsonl')).load({ split: 'all' });
    await expect(missing).rejects.toMatchObject({ code: 'data-not-found' });
    const rows = [{ question: 'One?', answer: '1' }];
    await expect(load(rows, { split: 'test' })).rejects.toMatchObject({ code: 'option-invalid' });
  });
});

it('an unknown task is refused by name', () => {
  expect(() => findTask('gsm9')).toThrow(
    expect.objectContaining({
      code: 'task-unknown',
      remedy: expect.stringMatching(/pocket, gsm8k, svamp, math500, strategyqa/),
    }),
  );
});
