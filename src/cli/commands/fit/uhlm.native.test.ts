import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../../test/cli/scripted-engine.ts';
import type { UhlmFitting } from '../../../app/fit-uhlm.ts';
import type { FitUhlmOptions } from '../../../app/heads/fit-settings.ts';
import { PilotfishError } from '../../../core/errors.ts';
import { someFit } from '../../../judging/fakes/some-fit.ts';
import { runCli } from '../../run-cli.ts';

const FITTED: UhlmFitting = {
  fit: someFit(),
  ...{ bytes: Uint8Array.of(1), drafts: [] },
  thresholds: { averse: 0.1, prone: 1.1 },
  ...{ path: 'out/u\u001b[2Jhlm.safetensors', picture: 'out/uhlm-fit.png' },
};

async function run(
  args: readonly string[],
  fitting: () => Promise<UhlmFitting> = async () => FITTED,
) {
  const asked: FitUhlmOptions[] = [];
  const recorded = recordedIo();
  const dependencies = {
    ...scriptedDependencies(() => ({ tokens: [] })),
    fitUhlm: (options: FitUhlmOptions) => {
      asked.push(options);
      return fitting();
    },
  };
  await runCli(['fit', 'uhlm', ...args], recorded.io, dependencies);
  return { asked, out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode() };
}

const POCKET = ['--task', 'pocket', '--pair', 'pocket'];

describe('fit uhlm', () => {
  it('passes every option on', async () => {
    const { asked, exitCode } = await run([
      ...['--task', 'gsm8k', '--data', '/data', '--count', '9', '--question-seed', '0'],
      ...['--temperature', '0', '--risk-tolerated', '0.25', '--truncation-error', '0.5'],
      ...['--seed', '8', '--max-tokens', '99', '--wave', '4', '--offline', '--from', '3'],
      ...['--small', 's.gguf', '--large', 'l.gguf', '--out', 'folder', '--file', 'x.safetensors'],
    ]);
    expect(exitCode).toBe(null);
    const { signal, onProgress, onNotice, ...options } = asked[0] ?? ({} as FitUhlmOptions);
    expect(signal).toBeInstanceOf(AbortSignal);
    for (const told of [onProgress, onNotice]) expect(told).toBeTypeOf('function');
    expect(options).toEqual({
      ...{ task: 'gsm8k', dataFolder: '/data', count: 9, questionSeed: 0, from: 3 },
      ...{ temperature: 0, toleratedRejection: 0.25, truncationError: 0.5, seed: 8 },
      ...{ maxTokens: 99, waveSize: 4, offline: true, small: 's.gguf', large: 'l.gguf' },
      ...{ folder: 'folder', file: 'x.safetensors' },
    });
    const { asked: named } = await run(POCKET);
    expect(named[0]?.folder).toBe('fits/pocket-pocket');
  });

  it('says what was found, and the command that uses it', async () => {
    const { out, exitCode } = await run(POCKET);
    expect(exitCode).toBe(null);
    expect(out).toContain('β ≈ 0.5 u - 0.05, r = 0.750 (100 drafts, at temperature 1).');
    expect(out).toContain('0.0–0.1  0.016  -0.016     100');
    expect(out).toContain('(k*): 3.');
    expect(out).toContain('On 1 held-out questions (20 drafts):');
    expect(out).toContain(
      'risk-averse u = 0.1000: 50.00 % not transmitted; risk of those 0.001, expected 0, ' +
        'by the law at most 0; TV(output, y) 0.0005',
    );
    expect(out).toContain('risk-prone u = 1.1000');
    expect(out).toContain('  pilotfish ask --pair pocket --head out/u');
    expect(out).toContain('--strategy uhlm --temperature 1 "..."');
    expect(out).not.toContain('\u001b');
    const { out: json } = await run([...POCKET, '--json']);
    const { trainedOn: _1, calibratedOn: _2, ...facts } = FITTED.fit;
    const { path, picture, thresholds } = FITTED;
    expect(JSON.parse(json)).toEqual({ path, picture, thresholds, fit: facts });
  });

  it('says that nothing may be skipped where the law has b >= 0', async () => {
    const { heldOut } = someFit();
    const fit = someFit({
      law: { slope: 0.5, intercept: 0.02 },
      heldOut: heldOut && { ...heldOut, averse: null },
    });
    const { out } = await run(POCKET, async () => ({ ...FITTED, fit }));
    expect(out).toContain('β ≈ 0.5 u + 0.02');
    expect(out).toContain(
      'risk-averse: none. A rejection is expected of every draft (b >= 0): hlm transmits all, and ' +
        'uhlm without a threshold takes 0.08.',
    );
    const few = someFit({ heldOut: null, correlation: null, temperature: 0 });
    const { out: bare } = await run(POCKET, async () => ({ ...FITTED, fit: few }));
    expect(bare).toContain('(100 drafts, greedy).');
    expect(bare).toContain('Too few questions');
    expect(bare).toContain('risk-averse u = 0.1000');
  });

  it.each([
    ['--temperature', '-1'],
    ['--temperature', '101'],
    ['--risk-tolerated', '0'],
    ['--risk-tolerated', '1'],
    ['--truncation-error', '0'],
    ['--wave', '0'],
    ['--count', 'x'],
  ])('refuses %s %s', async (option, value) => {
    const { asked, exitCode, err } = await run([...POCKET, option, value]);
    expect([asked.length, exitCode]).toEqual([0, 2]);
    expect(err).toContain(value);
  });

  it('names the error of the fit', async () => {
    const error = new PilotfishError('training-data-insufficient', '12 drafts are too few.');
    const { exitCode, err } = await run(POCKET, () => Promise.reject(error));
    expect(exitCode).toBe(1);
    expect(err).toContain('12 drafts are too few.');
  });
});
