import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RecordedIoOptions, recordedIo } from '../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import type { Evaluated, EvaluateOptions } from '../../app/evaluate.ts';
import { PilotfishError, throwIfAborted } from '../../core/errors.ts';
import { fakeResult } from '../../report/fakes/evaluation-result.ts';
import { STEP_STYLES } from '../../strategy/step-boundary.ts';
import { parseStrategy } from '../../strategy/strategy-value.ts';
import { runCli } from '../run-cli.ts';

const EVALUATED: Evaluated = {
  result: fakeResult(),
  path: 'out/result.json',
  bills: { caption: '', textColumnCount: 1, columns: [], rows: [] },
  liveCheck: null,
  rowCounts: { known: 12, computed: 34 },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-eval-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface EvalRun {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number | null;
  readonly asked: readonly EvaluateOptions[];
}

async function evaluation(
  args: readonly string[],
  options: RecordedIoOptions & {
    readonly evaluate?: (options: EvaluateOptions) => Promise<Evaluated>;
  } = {},
): Promise<EvalRun> {
  const { evaluate = evaluated, ...rest } = options;
  const recorded = recordedIo(rest);
  const asked: EvaluateOptions[] = [];
  const scripted = scriptedDependencies(() => ({ tokens: [] }));
  await runCli(['eval', ...args], recorded.io, {
    ...scripted,
    evaluate: (given) => {
      asked.push(given);
      return evaluate(given);
    },
  });
  return { out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode(), asked };
}

async function evaluated(): Promise<Evaluated> {
  return EVALUATED;
}

const POCKET = ['--task', 'pocket', '--pair', 'pocket'];

describe('eval', () => {
  it('passes the given options on, and no others', async () => {
    const out = join(folder, 'out');
    const { asked, exitCode } = await evaluation([
      ...['--task', 'gsm8k', '--data', '/data', '--split', 'train', '--slice', 's', '--count', '9'],
      ...[
        '--from',
        '3',
        '--question-seed',
        '0',
        '--prompt',
        'steps',
        '--strategies',
        'entropy@1,random',
      ],
      ...[
        '--interval',
        '2.5%,0.4',
        '--shares',
        '5%,0.3',
        '--points',
        '4',
        '--seeds',
        '2',
        '--screen',
        '25%',
      ],
      ...['--max-tokens', '99', '--wave', '8', '--context', '2048', '--threads', '1'],
      ...['--pair', 'pocket', '--small', 'a', '--large', 'b', '--template', 'large'],
      ...['--profile', 'x', '--profile', 'y', '--check-live', '5', '--out', out],
      ...['--logs', '--no-cache', '--offline', '--steps', 'sentence', '--samples', '3'],
      ...['--temperature', '1', '--draw-seed', '7', '--uplink', 'ids'],
    ]);
    expect(exitCode).toBe(null);
    const { signal, onProgress, onNotice, ...options } = asked[0] ?? ({} as EvaluateOptions);
    expect([signal, onProgress, onNotice]).toEqual([
      expect.any(AbortSignal),
      expect.any(Function),
      expect.any(Function),
    ]);
    expect(options).toEqual({
      ...{ task: 'gsm8k', dataFolder: '/data', split: 'train', slice: 's', count: 9, from: 3 },
      ...{ questionSeed: 0, prompt: 'steps' },
      strategies: [parseStrategy('entropy@1'), parseStrategy('random')],
      ...{
        interval: [0.025, 0.4],
        shares: [0.05, 0.3],
        pointCount: 4,
        seedCount: 2,
        screenShare: 0.25,
        ...{ temperature: 1, drawSeed: 7 },
        maxTokens: 99,
      },
      ...{
        waveSize: 8,
        contextLength: 2048,
        threadCount: 1,
        pair: 'pocket',
        small: 'a',
        large: 'b',
      },
      ...{ template: 'large', profiles: ['x', 'y'], liveCheckCount: 5, folder: out, logs: true },
      ...{ keepsRows: false, offline: true },
      ...{ steps: { separators: STEP_STYLES.sentence }, samples: { count: 3 } },
      uplink: { sends: 'ids' },
    });
  });

  it('leaves the choice of strategies to the evaluation if none is named', async () => {
    const { asked } = await evaluation([...POCKET, '--out', folder]);
    expect(asked[0]).toMatchObject({ keepsRows: true });
    const { strategies, headFiles, count } = asked[0] ?? {};
    expect([strategies, headFiles, count]).toEqual([undefined, undefined, undefined]);
  });

  it('reads routers from the named files', async () => {
    const files = ['--head', 'a.safetensors', '--head', 'b.safetensors'];
    const { asked } = await evaluation([...POCKET, ...files, '--out', folder]);
    expect(asked[0]).toMatchObject({ headFiles: ['a.safetensors', 'b.safetensors'] });
  });

  it('prints tables, and the path of the result', async () => {
    const { out, exitCode } = await evaluation([...POCKET, '--out', folder]);
    expect(exitCode).toBe(null);
    expect(out).toContain('400 questions');
    expect(out).toContain('pilotfish report out/result.json');
  });

  it('prints one JSON object, which report can draw', async () => {
    const liveCheck = {
      count: 5,
      sameCount: 4,
      sameGradeCount: 5,
      largeShare: 0.2,
      liveLargeShare: 0.21,
    };
    const evaluate = async (): Promise<Evaluated> => ({ ...EVALUATED, liveCheck });
    const { out } = await evaluation([...POCKET, '--out', folder, '--json'], { evaluate });
    expect(out.trimEnd().split('\n')).toHaveLength(1);
    const { liveCheck: printedCheck, rowCounts, ...result } = JSON.parse(out);
    expect(result).toEqual(EVALUATED.result);
    expect([printedCheck, rowCounts]).toEqual([liveCheck, EVALUATED.rowCounts]);
  });

  it('shows its progress apart from the result', async () => {
    const { err, out } = await evaluation([...POCKET, '--out', folder, '--json'], {
      evaluate: async ({ onProgress, onNotice }) => {
        onProgress?.({ label: 'Answering', done: 1, total: 2, unit: 'steps' });
        onNotice?.('A notice.');
        return EVALUATED;
      },
    });
    expect(err).toContain('Answering');
    expect(err).toContain('A notice.');
    expect(out).not.toContain('Answering');
  });

  it('has a folder for every task and pair', async () => {
    const fault = new PilotfishError('kv-full', 'enough seen');
    const folderOf = async (args: readonly string[]): Promise<string | undefined> => {
      const { asked } = await evaluation(args, { evaluate: () => Promise.reject(fault) });
      return asked[0]?.folder;
    };
    expect(await folderOf(POCKET)).toBe(join('evaluations', 'pocket-pocket'));
    expect(await folderOf(['--task', '../my set.jsonl'])).toBe(
      join('evaluations', '..-my-set.jsonl'),
    );
    expect(await folderOf(['--task', 'gsm8k', '--split', 'train', '--small', 'a/b.gguf'])).toBe(
      join('evaluations', 'gsm8k-train-a-b.gguf'),
    );
    expect(await folderOf(['--task', 'gsm8k', '--slice', 's'])).toBe(join('evaluations', 's'));
  });

  it('shows help with examples', async () => {
    const { out } = await evaluation(['--help']);
    expect(out).toContain('Examples:\n  pilotfish eval --task pocket');
    for (const option of ['--task <TASK>', '--shares <LIST>', '--check-live <N>', '--no-cache']) {
      expect(out).toContain(option);
    }
  });

  it.each([
    [[...POCKET, '--shares', '5%,150%'], '--shares is "150%", not a share from 0 to 1'],
    [[...POCKET, '--shares', ''], '--shares is "", not a share'],
    [[...POCKET, '--screen', '10%,20%'], '--screen is "10%,20%", not a share'],
    [[...POCKET, '--strategies', ''], '--strategies is "", with an empty name'],
    [[...POCKET, '--strategies', 'entropy,,random'], 'with an empty name'],
    [[...POCKET, '--strategies', 'entropy,guess'], 'error[strategy-unknown]'],
    [[...POCKET, '--strategies', 'entropy@x'], 'error[threshold-invalid]'],
    [[...POCKET, '--count', '0'], '--count is "0"'],
    [[...POCKET, '--points', '65'], '--points is "65"'],
    [[...POCKET, '--wave', '1.5'], '--wave is "1.5"'],
    [[...POCKET, '--template', 'both'], 'error[option-invalid]'],
    [[...POCKET, '--nonsense'], 'error[option-invalid]'],
  ])('refuses %j', async (args, message) => {
    const { err, exitCode, asked } = await evaluation(args);
    expect(err.replace(/\s+/g, ' ')).toContain(message);
    expect(exitCode).toBe(2);
    expect(asked).toEqual([]);
  });

  it('writes nothing if the evaluation fails, and tells the reason', async () => {
    const failure = new PilotfishError('task-unknown', 'There is no task "x".', {
      remedy: 'Use y.',
    });
    const { err, out, exitCode } = await evaluation(['--task', 'x', '--out', folder], {
      evaluate: () => Promise.reject(failure),
    });
    expect(err).toContain('error[task-unknown]: There is no task "x".');
    expect(err).toContain('help: Use y.');
    expect([out, exitCode]).toEqual(['', 2]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('stops when it is interrupted', async () => {
    const recorded = recordedIo();
    recorded.abort();
    const scripted = scriptedDependencies(() => ({ tokens: [] }));
    const evaluate = async ({ signal }: EvaluateOptions): Promise<Evaluated> => {
      throwIfAborted(signal);
      return EVALUATED;
    };
    const args = ['eval', ...POCKET, '--out', folder];
    await runCli(args, recorded.io, { ...scripted, evaluate });
    expect(recorded.exitCode()).toBe(130);
    expect(await readdir(folder)).toEqual([]);
  });
});
