import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import type { Calibrated, CalibrateOptions } from '../../app/calibrate.ts';
import { tinyRouter } from '../../judging/fakes/tiny-router.ts';
import { runCli } from '../run-cli.ts';

const CALIBRATED: Calibrated = {
  path: 'some/router.safetensors',
  kind: 'router',
  head: {
    ...tinyRouter({ strategy: 'citer' }),
    defaultThreshold: 0.875,
    reliability: [{ predicted: 0.9, observed: 0.8, count: 7 }],
  },
  calibration: {
    on: '9 questions of mine',
    cuts: [
      { threshold: 0.5, share: 0.125 },
      { threshold: 0.75, share: 0.25 },
    ],
    points: [
      { threshold: 0.5, predictedShare: 0.125, share: 0.1, agreement: 0.95, gapRecovered: 0.625 },
      { threshold: 0.75, predictedShare: 0.25, share: 0.25, agreement: 0.99, gapRecovered: null },
    ],
  },
  isGraded: true,
  agreement: {
    expectedCalibrationError: 0.125,
    bins: [
      { from: 0, until: 0.5, rowCount: 0, weight: 0, meanPredicted: null, observedShare: null },
      { from: 0.5, until: 1, rowCount: 3, weight: 3, meanPredicted: 0.75, observedShare: 0.5 },
    ],
  },
};

async function calibration(args: readonly string[], calibrated: Calibrated = CALIBRATED) {
  const recorded = recordedIo();
  const asked: CalibrateOptions[] = [];
  const drawn: [Calibrated, string][] = [];
  await runCli(['calibrate', ...args], recorded.io, {
    ...scriptedDependencies(() => ({ tokens: [] })),
    calibrate: async (options) => {
      asked.push(options);
      return calibrated;
    },
    drawCalibration: async (of, path) => {
      drawn.push([of, path]);
    },
  });
  const { out, err, exitCode } = recorded;
  return { out: out(), err: err(), exitCode: exitCode(), asked, drawn };
}

describe('calibrate', () => {
  it('passes the given options on, and no others', async () => {
    const { asked, exitCode } = await calibration([
      ...['r.safetensors', '--task', 'gsm8k', '--data', '/data', '--split', 'test', '--count', '9'],
      ...['--share', '10%', '--shares', '5%,0.3', '--max-tokens', '99', '--wave', '8'],
      ...['--context', '2048', '--threads', '1', '--pair', 'p', '--offline'],
      ...['--out', 'o', '--file', 'f.safetensors'],
    ]);
    expect(exitCode).toBeNull();
    expect(asked).toMatchObject([
      {
        ...{ headFile: 'r.safetensors', task: 'gsm8k', dataFolder: '/data', split: 'test' },
        ...{ count: 9, share: 0.1, shares: [0.05, 0.3], maxTokens: 99, waveSize: 8 },
        ...{ contextLength: 2048, threadCount: 1, pair: 'p', offline: true },
        ...{ folder: 'o', file: 'f.safetensors' },
      },
    ]);
  });

  it('prints the results of each threshold, and draws the meaning of scores', async () => {
    const { out, asked, drawn } = await calibration(['a/b.safetensors', '--traffic', 'x.jsonl']);
    expect(asked).toMatchObject([{ traffic: 'x.jsonl', folder: 'calibration/a-b' }]);
    expect(out).toMatch(/0\.5 +10\.0 % +95\.0 % +62\.5 %\n +0\.75 +25\.0 % +99\.0 % +–\n/);
    expect(out).toContain('scores from 0.875 on');
    expect(out).toContain('12.5 %');
    expect(out).not.toContain('could not be graded');
    expect(drawn).toEqual([[CALIBRATED, 'calibration/a-b/reliability.png']]);
  });

  it('tells when quality is agreement', async () => {
    const args = ['r.safetensors', '--traffic', 'x.jsonl'];
    const { out } = await calibration(args, { ...CALIBRATED, isGraded: false });
    expect(out).toContain('could not be graded');
  });

  it('prints one object with --json', async () => {
    const { out } = await calibration(['r.safetensors', '--task', 'pocket', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      ...{ path: CALIBRATED.path, defaultThreshold: 0.875, isGraded: true },
      calibration: CALIBRATED.calibration,
    });
  });

  it('refuses an invalid share and a missing router', async () => {
    for (const args of [
      ['r', '--share', '120%'],
      ['r', '--quality', 'high'],
      ['--share', '1%'],
    ]) {
      const { exitCode, asked } = await calibration(args);
      expect(exitCode).toBe(2);
      expect(asked).toEqual([]);
    }
  });
});
