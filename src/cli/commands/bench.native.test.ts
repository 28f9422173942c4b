import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RecordedIoOptions, recordedIo } from '../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import type { MeasuredSteps, MeasureStepsOptions } from '../../app/measure-steps.ts';
import type { Recosted, RecostOptions } from '../../app/recost.ts';
import { PROFILE, TIMED } from '../../machines/fakes/timed-profile.ts';
import { KNOWN_MACHINES } from '../../machines/known-machines.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { runCli } from '../run-cli.ts';

const MODEL = {
  ...TIMED,
  decode: [
    { rowCount: 1, ms: 20 },
    { rowCount: 4, ms: 50 },
  ],
  prefill: [
    { rowCount: 4, ms: 40 },
    { rowCount: 256, ms: 2000 },
  ],
  attention: [{ rowCount: 1, msPerCachedToken: 0.002 }],
};
const STEPS: MeasuredSteps = {
  profile: {
    ...PROFILE,
    threads: [
      {
        model: 'timed',
        weightBytes: 1000,
        threadCount: 2,
        measured: [
          { threadCount: 1, ms: 37 },
          { threadCount: 2, ms: 20 },
        ],
      },
    ],
  },
  path: '/home/profiles/box.json',
  models: [MODEL],
  isQuiet: true,
};
const RECOSTED: Recosted = {
  profile: PROFILE,
  isCut: false,
  isWithoutCache: false,
  roundTripMs: 0,
  runs: [
    {
      name: null,
      strategy: 'entropy',
      labels: { small: 'tiny', large: 'huge' },
      tokenCount: 60,
      recordedMs: 2400,
      recordedComputeMs: 2300,
      parts: [
        { model: 'tiny', purpose: 'draft', forwardCount: 60, rowCount: 60, ms: 1200 },
        { model: 'huge', purpose: 'correct', forwardCount: 9, rowCount: 55, ms: 400 },
      ],
      networkMs: 0,
      ms: 1600,
      largeAloneMs: 3200,
    },
  ],
};

async function bench(
  args: readonly string[],
  dependencies: Partial<CliDependencies>,
  options: RecordedIoOptions = {},
) {
  const recorded = recordedIo(options);
  const scripted = scriptedDependencies(() => ({ tokens: [] }));
  await runCli(['bench', ...args], recorded.io, { ...scripted, ...dependencies });
  return { out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode() };
}

describe('bench', () => {
  it('shows help with examples', async () => {
    const { out } = await bench(['--help'], {});
    expect(out).toContain('steps');
    expect(out).toContain('recost');
    for (const name of ['steps', 'recost']) {
      const help = await bench([name, '--help'], {});
      expect(help.out).toContain(`Examples:\n  pilotfish ${name === 'steps' ? 'bench' : 'ask'}`);
    }
  });
});

describe('bench steps', () => {
  const asked: MeasureStepsOptions[] = [];
  const steps = (args: readonly string[], measured = STEPS, options: RecordedIoOptions = {}) => {
    const measureSteps = async (given: MeasureStepsOptions) => {
      asked.push(given);
      given.onProgress?.({ label: 'Measuring', done: 0, total: 9, unit: 'steps' });
      return measured;
    };
    return bench(['steps', ...args], { measureSteps }, options);
  };

  it('prints milliseconds, multiples of a step, and the path of the profile', async () => {
    const { out, err, exitCode } = await steps([]);
    expect(out).toBe(
      [
        'timed  2 threads (1: 37.0 ms, 2: 20.0 ms)',
        'rows   decode  steps  prefill   steps  tokens/s',
        '   1  20.0 ms   1.00',
        '   4  50.0 ms   2.50  40.0 ms    2.00       100',
        ' 256                  2000 ms  100.00       128',
        'With 0 tokens in the cache. A thousand more add 2.00 ms with 1 row.',
        "Around a forward 0.00 ms; an output row's log-probability 0.00 ms, entropy and margin " +
          '0.00 ms, a draw 0.00 ms.',
        '',
        'Saved as the profile box: /home/profiles/box.json',
        '',
      ].join('\n'),
    );
    expect([err, exitCode]).toEqual(['Measuring …\n', null]);
  });

  it('shows the threads of the very file that was measured', async () => {
    const other = { ...MODEL, weightBytes: 2000 };
    const { out } = await steps([], { ...STEPS, models: [other] });
    expect(out).toContain('timed  2 threads\n');
  });

  it('says when the machine was busy', async () => {
    const busy = { ...STEPS, isQuiet: false, models: [{ ...MODEL, spread: 0.42 }] };
    const { err } = await steps([], busy);
    expect(err).toContain('The machine was not quiet (forwards of one kind lay 42% above');
  });

  it('prints one JSON object', async () => {
    const { out } = await steps(['--json'], STEPS, { terminal: true });
    expect(JSON.parse(out)).toEqual({ type: 'steps', ...STEPS });
  });

  it('passes given options on, and leaves the others to their defaults', async () => {
    asked.length = 0;
    await steps([]);
    await steps([
      ...['--model', 'a', '--model', 'b', '--model', 'a'],
      ...['--threads', '2', '--profile', 'mine', '--offline'],
    ]);
    for (const name of ['models', 'pair', 'threadCount']) {
      expect(asked[0]).not.toHaveProperty(name);
    }
    expect(asked[1]).toMatchObject({
      models: ['a', 'b', 'a'],
      threadCount: 2,
      profile: 'mine',
      offline: true,
    });
  });

  it.each([
    [['--threads', '0'], 'option-invalid'],
    [['extra'], 'option-invalid'],
  ])('refuses %j', async (args, code) => {
    const { err, exitCode } = await steps(args);
    expect(err).toContain(`error[${code}]`);
    expect(exitCode).toBe(2);
  });
});

describe('bench recost', () => {
  let folder: string;
  const asked: RecostOptions[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilotfish-bench-'));
    asked.length = 0;
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const recost = (args: readonly string[], recosted = RECOSTED, options: RecordedIoOptions = {}) =>
    bench(
      ['recost', ...args],
      {
        recost: async (given) => {
          asked.push(given);
          return recosted;
        },
      },
      options,
    );

  it('splits a run by model and purpose, and compares it with large alone', async () => {
    const { out, err, exitCode } = await recost(['-', '--profile', 'box'], RECOSTED, {
      input: 'log',
    });
    expect(out).toBe(
      [
        'box: Some CPU @ 2 GHz, 2 processors, library 1.2.3, measured',
        '',
        'entropy, 60 tokens',
        'model  for      forwards  rows  time     share',
        'small  draft    60        60    1200 ms  75 %',
        'large  correct  9         55    400 ms   25 %',
        'together 1.60 s, 0.50 of large alone there (3.20 s)',
        'recorded in 2.40 s, of which forwards 2.30 s',
        '',
      ].join('\n'),
    );
    expect([err, exitCode]).toEqual(['', null]);
    expect(asked[0]).toMatchObject({ log: 'log', profile: 'box' });
    expect(asked[0]?.roundTripMs).toBeUndefined();
  });

  it('reads a file, and passes the round trip on', async () => {
    const path = join(folder, 'run.jsonl');
    await writeFile(path, 'a log');
    const far = {
      ...RECOSTED,
      roundTripMs: 20,
      runs: RECOSTED.runs.map((run) => ({ ...run, networkMs: 180 })),
    };
    const { out } = await recost([path, '--profile', 'box', '--round-trip', '20'], far);
    expect(asked[0]).toMatchObject({ log: 'a log', roundTripMs: 20 });
    expect(out).toMatch(/^network {2}20\.0 ms a call .* 180 ms/m);
  });

  it('refuses a log that is far too long, without reading it whole', async () => {
    const path = join(folder, 'long.jsonl');
    await writeFile(path, '');
    await truncate(path, 256 * 2 ** 20 + 1);
    const { err, exitCode } = await recost([path, '--profile', 'box']);
    expect(err).toContain('error[log-invalid]: The log exceeds 256 MiB.');
    expect([exitCode, asked]).toEqual([1, []]);
  });

  it('says when a prediction leaves the cache out', async () => {
    const older = { ...RECOSTED, isWithoutCache: true };
    const { err } = await recost(['-', '--profile', 'box'], older);
    expect(err).toBe(
      'The log is of an older version: the time of reading the cache is left out.\n',
    );
  });

  it('names the machines that are built in', async () => {
    const { out } = await bench(['recost', '--help'], {});
    for (const { name } of KNOWN_MACHINES) expect(out).toContain(name);
  });

  it('always marks a prediction as such', async () => {
    const [machine = PROFILE] = KNOWN_MACHINES;
    const predicted = { ...RECOSTED, profile: machine };
    expect((await recost(['-', '--profile', 'x'], predicted)).out).toContain('PREDICTED');
    const { out } = await recost(['-', '--profile', 'x', '--json'], predicted);
    expect(JSON.parse(out)).toMatchObject({ profile: machine.name, kind: 'predicted' });
  });

  it('prints a JSON object per run', async () => {
    const two = { ...RECOSTED, runs: [...RECOSTED.runs, ...RECOSTED.runs] };
    const { out } = await recost(['-', '--profile', 'box', '--json'], two);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[1] ?? '')).toEqual({
      type: 'recosted',
      profile: 'box',
      kind: 'measured',
      roundTripMs: 0,
      isComplete: true,
      ...RECOSTED.runs[0],
    });
  });

  it('says when a log ends early', async () => {
    const open = { ...RECOSTED, runs: RECOSTED.runs.map((run) => ({ ...run, recordedMs: null })) };
    const [ended, cut] = [
      await recost(['-', '--profile', 'box'], open),
      await recost(['-', '--profile', 'box', '--json'], { ...open, isCut: true }),
    ];
    expect(ended.err).toBe('The log ends before the run did: it is re-costed as far as it goes.\n');
    expect(ended.out).toContain('recorded unfinished');
    expect(cut.err).toContain('The log ends within a line');
    expect(JSON.parse(cut.out)).toMatchObject({ isComplete: false });
  });

  it.each<[readonly string[], string, number]>([
    [['-'], "required option '--profile <NAME>' not specified", 2],
    [['/nonexistent/run.jsonl', '--profile', 'box'], 'file-system-failed', 1],
    [['-', '--profile', 'box', '--round-trip', '-1'], '--round-trip is "-1"', 2],
  ])('refuses %j', async (args, message, code) => {
    const { err, exitCode } = await recost(args);
    expect(err.toLowerCase()).toContain(message.toLowerCase());
    expect([exitCode, asked]).toEqual([code, []]);
  });

  it('refuses to wait for a log from a keyboard', async () => {
    const { err, exitCode } = await recost(['--profile', 'box'], RECOSTED, { terminal: true });
    expect(err).toContain('No log was given.');
    expect(exitCode).toBe(2);
  });
});
