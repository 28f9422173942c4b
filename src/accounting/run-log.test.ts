import { describe, expect, it } from 'vitest';
import { parseRunLog } from './run-log.ts';

const START = {
  type: 'start',
  models: { small: 'tiny', large: null },
  parameterCounts: { small: { body: 10, outputHead: 3 }, large: null },
  weightBytes: { small: 7, large: null },
  strategy: 'small',
  sampling: { temperature: 0, topK: 0 },
  promptTokenCount: 6,
  prefillChunkRowCount: 4,
};
const WORK = {
  type: 'work',
  model: 'small',
  purpose: 'draft',
  rowCounts: [1],
  outputRowCount: 1,
  computeMs: 2,
};
const TOKEN = { type: 'token', origin: 'small', verified: false, logprob: null, text: 'x' };
const SUMMARY = { type: 'summary', elapsedMs: 9, firstTokenMs: 4, text: 'x' };

const lines = (...values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('');

function problem(text: string): unknown {
  try {
    parseRunLog(text);
  } catch (error) {
    return error;
  }
  return null;
}

describe('parseRunLog', () => {
  it('reads a run whole, and only what it needs', () => {
    const { runs, isCut } = parseRunLog(lines(START, WORK, TOKEN, SUMMARY));
    const { type: _work, ...work } = WORK;
    expect(runs).toEqual([
      {
        name: null,
        start: {
          models: {
            tiny: {
              name: 'tiny',
              parameterCounts: { body: 10, outputHead: 3 },
              weightBytes: 7,
              kvBytesPerToken: null,
              prefillChunkRowCount: 4,
            },
          },
          labels: { small: 'tiny' },
          strategy: 'small',
          sampling: { temperature: 0 },
          promptTokenCount: 6,
        },
        events: [
          { type: 'work', ...work, model: 'tiny', reusedRowCount: 0 },
          { type: 'token', origin: 'small', verified: false, logprob: null },
        ],
        summary: { elapsedMs: 9, firstTokenMs: 4 },
      },
    ]);
    expect(isCut).toBe(false);
  });

  it('reads several runs, as a comparison writes them', () => {
    const run = (name: string) =>
      lines({ ...START, run: name }, { ...TOKEN, run: name }, { ...SUMMARY, run: name });
    const { runs } = parseRunLog(`${run('small')}${run('large')}${lines({ type: 'comparison' })}`);
    expect(runs.map(({ name, events }) => [name, events.length])).toEqual([
      ['small', 1],
      ['large', 1],
    ]);
  });

  it('keeps the rows that a cache spared, and leaves unknown lines alone', () => {
    const { runs } = parseRunLog(
      lines(START, { ...WORK, reusedRowCount: 5 }, { type: 'novelty' }, { type: 'error' }),
    );
    expect(runs[0]?.events).toMatchObject([{ reusedRowCount: 5 }]);
    expect(runs[0]?.summary).toBeNull();
  });

  it('goes as far as a log goes that was cut off', () => {
    const text = lines(START, WORK, TOKEN);
    expect(parseRunLog(text)).toMatchObject({ isCut: false, runs: [{ summary: null }] });
    const cut = parseRunLog(`${text}{"type":"tok`);
    expect(cut.isCut).toBe(true);
    expect(cut.runs[0]?.events).toHaveLength(2);
  });

  it('stands empty lines and line ends of other systems', () => {
    const text = `\r\n${lines(START).trim()}\r\n\n${lines(TOKEN)}\n\n`;
    expect(parseRunLog(text).runs[0]?.events).toHaveLength(1);
  });

  it.each([
    ['', 'Line 1 of the log is wrong: the log is empty.'],
    ['\n \n', 'Line 1 of the log is wrong: the log is empty.'],
    ['What is 2 + 2?', 'Line 1 of the log is wrong: it is no JSON.'],
    ['{"type":"start"', 'Line 1 of the log is wrong: it is no JSON.'],
    [lines(TOKEN), 'Line 1 of the log is wrong: a run begins with "start", not "token".'],
    [lines(3), 'Line 1 of the log is wrong: '],
    [lines({}), 'at type'],
    [lines({ type: 'start' }), 'at strategy'],
    [lines({ ...START, promptTokenCount: 0 }), 'at promptTokenCount'],
    [`${lines(START)}oops\n${lines(TOKEN)}`, 'Line 2 of the log is wrong: it is no JSON.'],
    [lines(START, { ...WORK, model: 'medium' }), 'Line 2 of the log is wrong: '],
    [lines(START, { ...WORK, rowCounts: [0] }), 'at rowCounts.0'],
    [lines(START, { ...WORK, computeMs: null }), 'at computeMs'],
    [lines(START, { ...TOKEN, logprob: 'x' }), 'at logprob'],
    [lines(START, { ...SUMMARY, elapsedMs: -1 }), 'at elapsedMs'],
  ])('says what is wrong with %j', (text, message) => {
    expect(problem(text)).toMatchObject({
      code: 'log-invalid',
      message: expect.stringContaining(message),
    });
  });
});
