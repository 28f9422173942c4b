import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../../test/cli/scripted-engine.ts';
import type { TrainOptions } from '../../../app/heads/train-settings.ts';
import type { Trained } from '../../../app/train.ts';
import { PilotfishError } from '../../../core/errors.ts';
import { tinyRouter } from '../../../judging/fakes/tiny-router.ts';
import type { RoundReport } from '../../../training/rounds/train-router.ts';
import { runCli } from '../../run-cli.ts';

const ROUND: RoundReport = {
  ...{ round: 1, trajectoryCount: 40, rolloutCount: 321, policyShare: 0 },
  ...{ tokenCount: 2000, targetCount: 1900, agreeCount: 1500, settledCount: 0 },
  ...{ rolledOutCount: 400, unjudgedCount: 100, lowCount: 95, callShare: 0.01 },
  ...{ auc: 0.875, aucOfDiffering: null, bestEpoch: 3, validationLoss: 0.25 },
  calibrationError: 0.03,
};
const ROUNDS: readonly RoundReport[] = [
  ROUND,
  { ...ROUND, round: 2, trajectoryCount: 80, policyShare: 0.1, aucOfDiffering: 0.75 },
];
const TRAINED: Trained = {
  router: tinyRouter({ defaultThreshold: 0.5 }),
  bytes: Uint8Array.of(1),
  rounds: ROUNDS,
  path: 'out/ci\u001b[2Jter.safetensors',
  ...{ solvedCount: 40, questionCount: 50 },
};

async function run(args: readonly string[], train = trained) {
  const asked: TrainOptions[] = [];
  const recorded = recordedIo();
  const dependencies = {
    ...scriptedDependencies(() => ({ tokens: [] })),
    train: async (options: TrainOptions) => {
      asked.push(options);
      return await train(options);
    },
  };
  await runCli(['train', 'router', ...args], recorded.io, dependencies);
  return { asked, out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode() };
}

async function trained({ onRound }: TrainOptions): Promise<Trained> {
  for (const round of ROUNDS) onRound?.(round);
  return TRAINED;
}

const POCKET = ['--task', 'pocket', '--pair', 'pocket'];

describe('train router', () => {
  it('passes every option on', async () => {
    const { asked, exitCode } = await run([
      ...['--task', 'gsm8k', '--data', '/data', '--split', 'train', '--count', '9', '--from', '3'],
      ...['--question-seed', '0', '--prompt', 'steps', '--objective', 'citer-paper'],
      ...['--rounds', '3', '--rollouts', '4', '--rollout-cap', '5000', '--positions', '7'],
      ...['--first-policy', 'large'],
      ...['--policy-share', '10%', '--width', '64', '--paper-net', '--top-logprobs', '20'],
      ...['--no-hidden', '--rate', '0.01', '--balance', '5', '--epochs', '9', '--patience', '2'],
      ...['--seed', '8', '--max-tokens', '99', '--wave', '4', '--context', '2048'],
      ...['--threads', '1', '--pair', 'pocket', '--small', 'a', '--large', 'b'],
      ...['--template', 'large', '--offline', '--out', 'folder', '--file', 'x.safetensors'],
    ]);
    expect(exitCode).toBe(null);
    expect(asked).toHaveLength(1);
    const { signal, onProgress, onNotice, onRound, ...options } = asked[0] ?? ({} as TrainOptions);
    expect(signal).toBeInstanceOf(AbortSignal);
    for (const told of [onProgress, onNotice, onRound]) expect(told).toBeTypeOf('function');
    expect(options).toEqual({
      ...{ task: 'gsm8k', dataFolder: '/data', split: 'train', count: 9, from: 3 },
      ...{ questionSeed: 0, prompt: 'steps', objective: 'citer-paper', roundCount: 3 },
      ...{ drawCount: 4, rolloutCountMax: 5000, positionCountMax: 7, policyShare: 0.1 },
      ...{ firstPolicy: 'large' },
      ...{ width: 64, isPaperNet: true, features: { hidden: false, topLogprobs: 20 } },
      fit: { rate: 0.01, balanceMax: 5, epochCountMax: 9, patience: 2 },
      ...{ seed: 8, maxTokens: 99, waveSize: 4, contextLength: 2048, threadCount: 1 },
      ...{ pair: 'pocket', small: 'a', large: 'b', template: 'large', offline: true },
      ...{ folder: 'folder', file: 'x.safetensors' },
    });
  });

  it('leaves out the options that are not given', async () => {
    const { asked } = await run(POCKET);
    const { signal: _1, onProgress: _2, onNotice: _3, onRound: _4, ...options } = asked[0] ?? {};
    expect(options).toEqual({
      ...{ task: 'pocket', pair: 'pocket', objective: 'citer', fit: {} },
      ...{ features: { hidden: true }, folder: 'training/pocket-pocket' },
    });
    const named = await run(['--task', 'my questions.jsonl', '--small', 'a/b', '--large', 'c']);
    expect(named.asked[0]?.folder).toBe('training/my-questions.jsonl-a-b-c');
    const embedded = await run([...POCKET, '--token-embedding']);
    expect(embedded.asked[0]?.features).toEqual({ hidden: true, tokenEmbedding: true });
  });

  it('prints a line for each round, and the commands that use the router', async () => {
    const { out, exitCode } = await run(POCKET);
    expect(exitCode).toBe(null);
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^round +answers +tokens +differ +rollouts +call +AUC +of differing$/);
    const cells = lines.slice(1, 3).map((line) => line.trim().split(/ {2,}/));
    expect(cells).toEqual([
      ['1', '40', '2000', '25.0 %', '321', '1.0 %', '0.875', '–'],
      ['2', '80', '2000', '25.0 %', '321', '1.0 %', '0.875', '0.750'],
    ]);
    expect(lines[0]?.length).toBe(lines[1]?.length);
    expect(out).toContain('The large model solved 40 of 50 questions');
    expect(out).toContain('from 0.5000 on, which calls 30.0 % of the tokens.');
    expect(out).toContain('ask --pair pocket --head');
    expect(out).toContain('--strategy citer@10%');
    expect(out).not.toContain('\u001b');
  });

  it('prints only one JSON object with --json', async () => {
    const { out } = await run([...POCKET, '--json']);
    expect(out.endsWith('}\n')).toBe(true);
    const parsed = JSON.parse(out);
    expect(parsed).toMatchObject({ path: TRAINED.path, questionCount: 50, solvedCount: 40 });
    expect(parsed.rounds).toEqual(ROUNDS);
    const { network: _1, trainedOn: _2, calibratedOn: _3, ...facts } = TRAINED.router;
    expect(parsed.router).toEqual(facts);
  });

  it.each([
    ['--objective', 'citer-x'],
    ['--rounds', '0'],
    ['--rounds', '9'],
    ['--rollouts', '1.5'],
    ['--rollout-cap', '-1'],
    ['--positions', '0'],
    ['--policy-share', '101%'],
    ['--width', '70000'],
    ['--top-logprobs', '33'],
    ['--rate', '0'],
    ['--balance', '0.5'],
    ['--epochs', 'many'],
    ['--patience', '0'],
    ['--wave', '232'],
  ])('refuses %s %s before anything is trained', async (option, value) => {
    const { asked, err, exitCode } = await run([...POCKET, option, value]);
    expect(asked).toEqual([]);
    expect(exitCode).toBe(2);
    expect(err).toContain(option);
  });

  it('reports the error of a training', async () => {
    const { err, exitCode } = await run(POCKET, () =>
      Promise.reject(
        new PilotfishError('training-data-insufficient', 'Nothing to learn.', { remedy: 'More.' }),
      ),
    );
    expect(exitCode).toBe(1);
    expect(err).toContain('Nothing to learn.');
  });
});
