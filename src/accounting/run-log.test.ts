import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseRunLog, type RecordedRun } from './run-log.ts';

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
const MODEL = { weightBytes: 7, kvBytesPerToken: 1, prefillChunkRowCount: 4, prices: null };
const START_2 = {
  type: 'start',
  version: 2,
  models: {
    tiny: { ...MODEL, name: 'tiny', parameterCounts: { body: 10, outputHead: 3 } },
    prm: { ...MODEL, name: 'prm', parameterCounts: { body: 50, outputHead: 1 } },
  },
  labels: { small: 'tiny', reward: 'prm', someday: 'prm' },
  strategy: 'small',
  sampling: { temperature: 0 },
  promptTokenCount: 6,
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

/** A log that the command line of this version wrote. */
const recorded = (version: number): string =>
  readFileSync(
    new URL(`../../test/fixtures/version-${version}/run-log.jsonl`, import.meta.url),
    'utf8',
  );

/** A run without its times. */
function untimed({ start, events }: RecordedRun): unknown {
  const works = events.map((event) => (event.type === 'work' ? { ...event, computeMs: 0 } : event));
  return { start, events: works };
}

describe('parseRunLog', () => {
  it('reads logs of version 1 and of version 2 alike', () => {
    const [first, second] = [1, 2].map((version) => parseRunLog(recorded(version)));
    expect(first?.runs.map(untimed)).toEqual(second?.runs.map(untimed));
    const [run] = first?.runs ?? [];
    expect(run?.start.labels).toEqual({ small: 'pocket-small', large: 'pocket-large' });
    expect(run?.events.filter(({ type }) => type === 'token')).toHaveLength(19);
  });

  it('refuses logs of later versions, and gives a remedy', () => {
    expect(problem(lines({ ...START_2, version: 3 }))).toMatchObject({
      code: 'log-invalid',
      message: 'Line 1 of the log is wrong: it is of version 3, and this program reads 1 and 2.',
      remedy: expect.stringContaining('Update Pilotfish'),
    });
  });

  it('reads any number of models, each with its own work', () => {
    const { runs } = parseRunLog(
      lines(START_2, { ...WORK, model: 'prm', purpose: 'reward' }, { ...WORK, model: 'tiny' }),
    );
    expect(runs[0]?.start.labels).toEqual({ small: 'tiny', reward: 'prm' });
    expect(runs[0]?.events).toMatchObject([{ model: 'prm' }, { model: 'tiny' }]);
  });

  it('tells the models of version 1 apart by their labels, not by their names', () => {
    const both = { body: 10, outputHead: 3 };
    const start = {
      ...START,
      models: { small: 'large', large: 'large' },
      parameterCounts: { small: both, large: both },
      weightBytes: { small: 7, large: 70 },
    };
    const [run] = parseRunLog(lines(start, WORK, { ...WORK, model: 'large' })).runs;
    expect(run?.events).toMatchObject([{ model: 'large' }, { model: 'large (large)' }]);
    expect(run?.start.models['large (large)']).toMatchObject({ weightBytes: 70 });
  });

  it('reads a whole run, and only the fields that it needs', () => {
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

  it('keeps the rows that a cache saved, and ignores unknown lines', () => {
    const { runs } = parseRunLog(
      lines(START, { ...WORK, reusedRowCount: 5 }, { type: 'novelty' }, { type: 'error' }),
    );
    expect(runs[0]?.events).toMatchObject([{ reusedRowCount: 5 }]);
    expect(runs[0]?.summary).toBeNull();
  });

  it('reads a log that was cut off up to its end', () => {
    const text = lines(START, WORK, TOKEN);
    expect(parseRunLog(text)).toMatchObject({ isCut: false, runs: [{ summary: null }] });
    const cut = parseRunLog(`${text}{"type":"tok`);
    expect(cut.isCut).toBe(true);
    expect(cut.runs[0]?.events).toHaveLength(2);
  });

  it('accepts empty lines and the line ends of other systems', () => {
    const text = `\r\n${lines(START).trim()}\r\n\n${lines(TOKEN)}\n\n`;
    expect(parseRunLog(text).runs[0]?.events).toHaveLength(1);
  });

  it.each([
    ['', 'Line 1 of the log is wrong: the log is empty.'],
    ['\n \n', 'Line 1 of the log is wrong: the log is empty.'],
    ['What is 2 + 2?', 'Line 1 of the log is wrong: it is not JSON.'],
    ['{"type":"start"', 'Line 1 of the log is wrong: it is not JSON.'],
    [lines(TOKEN), 'Line 1 of the log is wrong: a run begins with "start", not "token".'],
    [lines(3), 'Line 1 of the log is wrong: '],
    [lines({}), 'at type'],
    [lines({ type: 'start' }), 'at strategy'],
    [lines({ ...START, promptTokenCount: 0 }), 'at promptTokenCount'],
    [`${lines(START)}oops\n${lines(TOKEN)}`, 'Line 2 of the log is wrong: it is not JSON.'],
    [
      lines(START, { ...WORK, model: 'medium' }),
      'Line 2 of the log is wrong: its run has no model',
    ],
    [lines(START, { ...WORK, model: 'tiny' }), 'its run has no model "tiny"'],
    [lines(START_2, { ...WORK, model: 'small' }), 'its run has no model "small"'],
    [lines(START_2, { ...WORK, model: 'constructor' }), 'its run has no model "constructor"'],
    [lines({ ...START_2, labels: { large: 'huge' } }), 'a label points to no model at labels'],
    [lines({ ...START_2, models: { tiny: {} } }), 'at models.tiny.name'],
    [lines({ ...START, version: '1' }), 'it is of version "1", and this program reads 1 and 2'],
    [lines(START, { ...WORK, rowCounts: [0] }), 'at rowCounts.0'],
    [lines(START, { ...WORK, computeMs: null }), 'at computeMs'],
    [lines(START, { ...TOKEN, logprob: 'x' }), 'at logprob'],
    [lines(START, { ...SUMMARY, elapsedMs: -1 }), 'at elapsedMs'],
  ])('names the fault of %j', (text, message) => {
    expect(problem(text)).toMatchObject({
      code: 'log-invalid',
      message: expect.stringContaining(message),
    });
  });
});
