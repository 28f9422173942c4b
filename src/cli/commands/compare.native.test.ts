import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { type RecordedIoOptions, recordedIo } from '../../../test/cli/recorded-io.ts';
import { type Script, scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { runCli } from '../run-cli.ts';

function answerOf({ strategy }: GenerateRequest): Script {
  return { tokens: [[strategy === 'small' ? 'Plaice.' : 'Shark.', 'large', true]] };
}

async function compare(
  args: readonly string[],
  options: RecordedIoOptions = {},
  choose: (request: GenerateRequest) => Script = answerOf,
) {
  const dependencies = scriptedDependencies(choose);
  const recorded = recordedIo(options);
  await runCli(['compare', 'Which fish?', ...args], recorded.io, dependencies);
  return {
    dependencies,
    out: recorded.out(),
    err: recorded.err(),
    exitCode: recorded.exitCode(),
  };
}

const THREE = ['--strategies', 'small, large,random@0.5'];

describe('compare', () => {
  it('runs all strategies on one engine, with the same request', async () => {
    const { dependencies, exitCode } = await compare(['--seed', '3']);
    const names = ['small', 'large', 'entropy', 'margin', 'random@0.3', 'speculative'];
    expect(dependencies.opened.map(({ strategies }) => strategies)).toEqual([names]);
    expect(dependencies.requests.map(({ strategy }) => strategy)).toEqual(names);
    expect(new Set(dependencies.requests.map(({ seed }) => seed))).toEqual(new Set([3]));
    expect([exitCode, dependencies.disposedCount()]).toEqual([null, 1]);
  });

  it('lets no run use prefixes that another run left in the caches', async () => {
    const { dependencies } = await compare(THREE);
    expect(dependencies.requests.map(({ reusePrefix }) => reusePrefix)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('gives a pipe the answers under headings, then the table', async () => {
    const { out, err } = await compare(THREE);
    expect(out).toMatch(/^== small ==\nPlaice\.\n\n== large ==\nShark\.\n\n== random@0\.5 ==\n/);
    expect(out).toMatch(/\nsmall .* no\nlarge .* yes\nrandom@0\.5 .* yes\nWeight traffic/);
    expect(err).toBe('');
  });

  it('marks each JSON line with its run, and ends with the comparison', async () => {
    const { out } = await compare([...THREE, '--json']);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type, run }) => `${type} ${run}`)).toEqual([
      ...['small', 'large', 'random@0.5'].flatMap((run) =>
        ['start', 'token', 'summary'].map((type) => `${type} ${run}`),
      ),
      'comparison undefined',
    ]);
    expect(lines.at(-1).runs).toMatchObject([
      { run: 'small', sameTextAsLarge: false },
      { run: 'large', sameTextAsLarge: true },
      { run: 'random@0.5', sameTextAsLarge: true, tokensPerSecond: 0.5 },
    ]);
  });

  it('streams one after another on a narrow terminal', async () => {
    const { out } = await compare(THREE, { terminal: true, columns: 100, colorLevel: 2 });
    const text = stripVTControlCharacters(out);
    expect(text).toMatch(/^written by: .*\n\nsmall\nPlaice\.\n\nlarge\nShark\.\n\nrandom@0\.5\n/);
  });

  it('shows answers side by side on a wide terminal', async () => {
    const { out } = await compare(THREE, { terminal: true, columns: 160, colorLevel: 2 });
    const text = stripVTControlCharacters(out);
    expect(text).toMatch(/\nsmall +│ large +│ random@0\.5\n/);
    expect(text).toMatch(/\nPlaice\. +│ Shark\. +│ Shark\.\n/);
    for (const line of text.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(160);
  });

  it('still compares the finished runs when a run fails', async () => {
    const choose = (request: GenerateRequest): Script =>
      request.strategy === 'random@0.5'
        ? { tokens: [], failure: new PilotfishError('kv-full', 'Full.') }
        : answerOf(request);
    const { out, exitCode, dependencies } = await compare([...THREE, '--json'], {}, choose);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.slice(-2)).toMatchObject([
      { type: 'comparison', runs: [{ run: 'small' }, { run: 'large' }] },
      { type: 'error', code: 'kv-full' },
    ]);
    expect([exitCode, dependencies.disposedCount()]).toEqual([1, 1]);
  });

  it('compares nothing when the first run fails', async () => {
    const failure = new PilotfishError('kv-full', 'Full.');
    const { out } = await compare([...THREE, '--json'], {}, () => ({ tokens: [], failure }));
    expect(out).not.toContain('"comparison"');
  });

  it('shows the progress of a run while nothing else shows it, and wipes it', async () => {
    const tokens = Array.from({ length: 4 }, () => ['x', 'small', false] as const);
    const { err } = await compare(
      ['--strategies', 'small'],
      { terminal: true, columns: 160 },
      () => ({ tokens, tokenDelayMs: 120 }),
    );
    expect(err).toContain('Answering with small  3');
    expect(err.endsWith('\u001b[2K')).toBe(true);
  });
});
