import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../../test/cli/scripted-engine.ts';
import type { TrainRewardOptions } from '../../../app/heads/reward-settings.ts';
import type { RewardTraining } from '../../../app/train-reward.ts';
import { PilotfishError } from '../../../core/errors.ts';
import { tinyReward } from '../../../judging/fakes/tiny-reward.ts';
import type { RewardReport } from '../../../training/rewards/train-reward.ts';
import { runCli } from '../../run-cli.ts';

const REPORT: RewardReport = {
  ...{ questionCount: 50, skippedCount: 0, rolloutCount: 321, stateCount: 400 },
  ...{ stepCount: 320, harmfulShare: 0.05, smallAccuracy: 0.5, largeAccuracy: 0.9 },
  ...{ bestAccuracy: 0.96, auc: 0.875, aucOfDiffering: null, calibrationError: 0.03 },
  ...{ bestEpoch: 3, validationLoss: 0.25 },
  bestOf: {
    ...{ questionCount: 8, answerCount: 4, temperature: 0.7 },
    ...{ accuracy: 0.625, meanAccuracy: 0.5, anyAccuracy: 0.75 },
  },
};
const TRAINED: RewardTraining = {
  reward: tinyReward({
    defaultThreshold: 0.5,
    calibration: {
      on: 'held-out questions',
      cuts: [],
      points: [
        { threshold: 0.5, predictedShare: 0.1, share: 0.125, agreement: 0.9, gapRecovered: 1 },
      ],
    },
  }),
  ...{ bytes: Uint8Array.of(1), report: REPORT, path: 'out/r\u001b[2Jsd.safetensors' },
};

async function run(
  args: readonly string[],
  train: () => Promise<RewardTraining> = async () => TRAINED,
) {
  const asked: TrainRewardOptions[] = [];
  const recorded = recordedIo();
  const dependencies = {
    ...scriptedDependencies(() => ({ tokens: [] })),
    trainReward: (options: TrainRewardOptions) => {
      asked.push(options);
      return train();
    },
  };
  await runCli(['train', 'reward', ...args], recorded.io, dependencies);
  return { asked, out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode() };
}

const POCKET = ['--task', 'pocket', '--pair', 'pocket'];

describe('train reward', () => {
  it('passes every option on', async () => {
    const { asked, exitCode } = await run([
      ...['--task', 'gsm8k', '--data', '/data', '--count', '9', '--question-seed', '0'],
      ...[
        '--steps',
        'sentence',
        '--steps',
        'newline',
        '--states',
        '12',
        '--labels',
        'value',
        '--finisher',
        'both',
      ],
      ...['--rollouts', '4', '--rollout-cap', '5000', '--best-of', '8', '--large-reads', 'logprob'],
      ...['--tokens', 'last', '--no-hidden', '--width', '64', '--rate', '0.01', '--epochs', '9'],
      ...['--patience', '2', '--seed', '8', '--max-tokens', '99', '--wave', '4', '--offline'],
      ...['--pair', 'pocket', '--out', 'folder', '--file', 'x.safetensors'],
      ...['--small', 's.gguf', '--large', 'l.gguf'],
    ]);
    expect(exitCode).toBe(null);
    const { signal, onProgress, onNotice, ...options } = asked[0] ?? ({} as TrainRewardOptions);
    expect(signal).toBeInstanceOf(AbortSignal);
    for (const told of [onProgress, onNotice]) expect(told).toBeTypeOf('function');
    expect(options).toEqual({
      ...{ task: 'gsm8k', dataFolder: '/data', count: 9, questionSeed: 0 },
      separators: ['. ', '.\n', '! ', '!\n', '? ', '?\n', '\n'],
      ...{ stateCountMax: 12, label: 'value', finisher: 'both', drawCount: 4 },
      ...{ rolloutCountMax: 5000, answerCount: 8, width: 64, seed: 8 },
      features: { large: 'logprob', tokens: 'last', hidden: false },
      fit: { rate: 0.01, epochCountMax: 9, patience: 2 },
      ...{ maxTokens: 99, waveSize: 4, offline: true, pair: 'pocket' },
      ...{ small: 's.gguf', large: 'l.gguf' },
      ...{ folder: 'folder', file: 'x.safetensors' },
    });
  });

  it('says what was learnt, and the commands that use it', async () => {
    const { out, exitCode } = await run(POCKET);
    expect(exitCode).toBe(null);
    expect(out).toContain('50 questions: the small model alone is right on 50.0 %');
    expect(out).toContain('AUC 0.875 where something can be lost, – where the steps differ');
    expect(out).toContain(
      'Best of 4 drawn answers by the reward: 62.5 % right, 50.0 % in the mean',
    );
    expect(out).toContain('accepts rewards from 0.5000 on, which rejects 12.5 % of the steps.');
    expect(out).toContain('ask --pair pocket --head');
    expect(out).toContain('--strategy rsd "..."');
    expect(out).not.toContain('\u001b');
    const { out: json } = await run([...POCKET, '--json']);
    const { network: _1, trainedOn: _2, calibratedOn: _3, ...facts } = TRAINED.reward;
    expect(JSON.parse(json)).toEqual({ path: TRAINED.path, ...REPORT, reward: facts });
  });

  it.each([
    ['--states', '0'],
    ['--labels', 'best'],
    ['--finisher', 'none'],
    ['--rollouts', '65'],
    ['--large-reads', 'all'],
    ['--tokens', 'first'],
    ['--steps', 'word'],
    ['--rate', '2'],
  ])('refuses %s %s', async (option, value) => {
    const { asked, exitCode, err } = await run([...POCKET, option, value]);
    expect([asked.length, exitCode]).toEqual([0, 2]);
    expect(err).toContain(value);
  });

  it('names the error of the training', async () => {
    const error = new PilotfishError('training-data-insufficient', 'There is nothing to learn.');
    const { exitCode, err } = await run(POCKET, () => Promise.reject(error));
    expect(exitCode).toBe(1);
    expect(err).toContain('There is nothing to learn.');
  });
});
