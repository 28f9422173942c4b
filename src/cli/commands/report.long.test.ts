import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RecordedIoOptions, recordedIo } from '../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import { writeReport } from '../../app/write-report.ts';
import type { EvaluationResult } from '../../evaluation/results.ts';
import { fakeResult } from '../../report/fakes/evaluation-result.ts';
import { runCli } from '../run-cli.ts';

/** The smallest result that can be drawn: two models and one gate. */
const RESULT: EvaluationResult = (() => {
  const result = fakeResult();
  const shown = ['small', 'large', 'entropy', 'random'];
  const results = result.results.filter(({ strategy }) => shown.includes(strategy));
  return {
    ...result,
    results: results.map((point) => ({ ...point, timeRatios: {} })),
    gates: [],
  };
})();
const NAMES = [
  'accuracy-generated-flops.png',
  'accuracy-large-share.png',
  'accuracy-weight-traffic.png',
];

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-report-'));
  path = join(folder, 'result.json');
  await writeFile(path, JSON.stringify(RESULT));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function report(args: readonly string[], options: RecordedIoOptions = {}) {
  const recorded = recordedIo(options);
  const scripted = scriptedDependencies(() => ({ tokens: [] }));
  await runCli(['report', ...args], recorded.io, { ...scripted, writeReport });
  return { out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode() };
}

describe('report', () => {
  it('writes a page and its pictures beside the result, and prints their paths', async () => {
    const { out, exitCode } = await report([path]);
    expect(exitCode).toBe(null);
    expect((await readdir(folder)).sort()).toEqual([...NAMES, 'report.html', 'result.json'].sort());
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toBe(join(folder, 'report.html'));
    expect(lines.slice(1).sort()).toEqual(NAMES.map((name) => join(folder, name)).sort());
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('gsm8k, 400 questions');
    expect((await readFile(join(folder, NAMES[0] ?? ''))).subarray(1, 4).toString()).toBe('PNG');
  });

  it('makes the folder that it is given, writes there alone, and prints one JSON object', async () => {
    const into = join(folder, 'deep', 'report');
    const { out, err } = await report([path, '--out', into, '--json']);
    expect((await readdir(into)).sort()).toEqual([...NAMES, 'report.html'].sort());
    expect((await readdir(folder)).sort()).toEqual(['deep', 'result.json']);
    const written = JSON.parse(out);
    expect(written).toMatchObject({ type: 'report', page: join(into, 'report.html') });
    expect(written.pictures).toHaveLength(3);
    // The progress goes beside it.
    expect(err).toContain('Drawing');
  });

  it('puts several results on one page, with pictures apart even for equal file names', async () => {
    await mkdir(join(folder, 'b'));
    const other = join(folder, 'b', 'result.json');
    await writeFile(other, JSON.stringify({ ...RESULT, task: 'pocket' }));
    await report([path, other, '--out', join(folder, 'out')]);
    const names = await readdir(join(folder, 'out'));
    expect(names.sort()).toEqual(
      [
        ...NAMES.map((name) => `result-${name}`),
        ...NAMES.map((name) => `result-2-${name}`),
        'report.html',
      ].sort(),
    );
    const page = await readFile(join(folder, 'out', 'report.html'), 'utf8');
    expect(page).toContain('Evaluation: gsm8k, pocket');
  });

  it('shows help with examples', async () => {
    const { out } = await report(['--help']);
    expect(out).toContain('Examples:\n  pilotfish eval');
    expect(out).toContain('--out <FOLDER>');
  });

  it('writes nothing if one of the files is wrong', async () => {
    const cut = join(folder, 'cut.json');
    await writeFile(cut, JSON.stringify(RESULT).slice(0, -20));
    const { err, out, exitCode } = await report([path, cut, '--out', join(folder, 'out')]);
    expect(err).toContain(`error[result-invalid]: ${cut} is no evaluation result: it ends in`);
    expect(err).toContain('help: ');
    expect([out, exitCode]).toEqual(['', 1]);
    expect((await readdir(folder)).sort()).toEqual(['cut.json', 'result.json']);
  });

  it.each([
    [['/nonexistent/r.json'], 'error[file-system-failed]: Could not read /nonexistent/r.json', 1],
    [[], 'error[option-invalid]', 2],
    [['r.json', '--open-nothing'], 'error[option-invalid]', 2],
    [['r.json', '--nonsense'], 'error[option-invalid]', 2],
  ])('refuses %j', async (args, message, code) => {
    const { err, exitCode } = await report(args);
    expect(err).toContain(message);
    expect(exitCode).toBe(code);
  });

  it('refuses a file that is far too long, without reading it', async () => {
    await truncate(path, 256 * 2 ** 20 + 1);
    const { err, exitCode } = await report([path]);
    expect(err).toContain(`error[result-invalid]: ${path} exceeds 256 MiB.`);
    expect(exitCode).toBe(1);
  });

  it('names the path that it could not write', async () => {
    const { err, exitCode } = await report([path, '--out', path]);
    expect(err).toMatch(
      /error\[file-system-failed\]: Could not write .*: a file is in the way \(EEXIST\)/,
    );
    expect(exitCode).toBe(1);
  });

  it('stops when it is interrupted', async () => {
    const recorded = recordedIo();
    recorded.abort();
    const scripted = scriptedDependencies(() => ({ tokens: [] }));
    await runCli(['report', path], recorded.io, { ...scripted, writeReport });
    expect(recorded.exitCode()).toBe(130);
    expect(await readdir(folder)).toEqual(['result.json']);
  });
});
