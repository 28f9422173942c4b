/** The pocket pair as a user meets it: by name, without any source of models, and outside its scope. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/app/open-engine.ts';
import { loadDependencies } from '../../src/cli/load-dependencies.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { POCKET_SCOPE } from '../../src/evaluation/tasks/pocket/scope.ts';
import { recordedIo } from '../cli/recorded-io.ts';
import { answer } from './pocket-pair.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const QUESTION = 'Ana has 12 apples. Ben gives Ana 5 apples. How many apples does Ana have now?';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode?: number | null;
}

/** Runs the command line in this process, with no source of models. */
async function run(...args: readonly string[]): Promise<Outcome> {
  const { io, out, err, exitCode } = recordedIo();
  const dependencies = loadDependencies();
  await runCli(['ask', ...args], io, {
    ...dependencies,
    openEngine: (options) =>
      dependencies.openEngine({ ...options, home, offline: true, threadCount: 1 }),
  });
  return { stdout: out(), stderr: err(), exitCode: exitCode() };
}

describe('ask --pair pocket', () => {
  it('answers an arithmetic word problem, as a process', async () => {
    const env = { PILOTFISH_HOME: home, HOME: home, HF_HUB_OFFLINE: '1' };
    const args = ['ask', '--pair', 'pocket', '--threads', '1', '--strategy', 'large', QUESTION];
    const main = ['--import', 'tsx', 'src/cli/main.ts'];
    const { stdout, stderr } = await execa(process.execPath, [...main, ...args], {
      cwd: ROOT,
      env,
    });
    expect(stdout).toBe('Ana has 12 + 5 = 17 apples.\n\nThe answer is 17.');
    expect(stderr).not.toContain('only does arithmetic');
  });

  it('names its scope in the answer to another question', async () => {
    const { stderr, exitCode } = await run('--pair', 'pocket-strong', 'Why is the sky blue?');
    expect(exitCode).toBeNull();
    expect(stderr.replace(/\s+/g, ' ')).toContain(
      'the pocket pair only does arithmetic word problems',
    );
  });
});

describe('without the default pair and a source of it', () => {
  it('the pocket pair answers, and says so', async () => {
    const { stdout, stderr, exitCode } = await run('--strategy', 'large', QUESTION);
    expect(exitCode).toBeNull();
    expect(stdout).toContain('The answer is 17.');
    expect(stderr).toContain('The qwen2.5-coder models are neither on this machine nor available');
  });

  it('a user who named models gets no others', async () => {
    const named = [
      ['--pair', 'qwen2.5-coder'],
      ['--large', 'qwen2.5-coder-1.5b-instruct'],
    ];
    for (const args of named) {
      const { stderr, stdout, exitCode } = await run(...args, '--strategy', 'large', QUESTION);
      expect(stdout).toBe('');
      expect(stderr).toContain('error[source-unavailable]');
      expect(exitCode).toBeGreaterThan(0);
    }
  });

  it('the library says so to its caller, and in the names of the run', async () => {
    const notices: string[] = [];
    const options = { home, offline: true, threadCount: 1, strategies: ['large'] };
    await using engine = await openEngine({ ...options, onNotice: (text) => notices.push(text) });
    const run = await answer(engine, {
      messages: [{ role: 'user', content: 'Hi' }],
      strategy: 'large',
    });
    expect(notices.join()).toContain('pocket');
    expect(run.events[0]).toMatchObject({ type: 'start', labels: { large: 'pocket-large' } });
    expect(run.summary.notes).toEqual([POCKET_SCOPE.note]);
  });
});
