/** The pocket pair as a user meets it: by name, where nothing can be pulled, and out of its depth. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/app/open-engine.ts';
import { POCKET_SCOPE } from '../../src/evaluation/tasks/pocket/scope.ts';
import { answer } from './pocket-pair.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const QUESTION = 'Ana has 12 apples. Ben gives Ana 5 apples. How many apples does Ana have now?';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

function run(
  ...args: readonly string[]
): Promise<{ stdout: string; stderr: string; exitCode?: number }> {
  const env = { PILOTFISH_HOME: home, HOME: home, HF_HUB_OFFLINE: '1' };
  const all = ['--import', 'tsx', 'src/cli/main.ts', 'ask', ...args];
  return execa(process.execPath, all, { cwd: ROOT, env, reject: false });
}

describe('ask --pair pocket', () => {
  it('answers an arithmetic word problem', async () => {
    const { stdout, stderr } = await run('--pair', 'pocket', '--strategy', 'large', QUESTION);
    expect(stdout).toBe('Ana has 12 + 5 = 17 apples.\n\nThe answer is 17.');
    expect(stderr).not.toContain('only does arithmetic');
  });

  it('says what it is for where it is asked something else', async () => {
    const { stderr, exitCode } = await run('--pair', 'pocket-strong', 'Why is the sky blue?');
    expect(exitCode).toBe(0);
    expect(stderr.replace(/\s+/g, ' ')).toContain(
      'the pocket pair only does arithmetic word problems',
    );
  });
});

describe('where the default pair is not here and cannot be pulled', () => {
  it('the pocket pair answers instead, and says so', async () => {
    const { stdout, stderr, exitCode } = await run('--strategy', 'large', QUESTION);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('The answer is 17.');
    expect(stderr).toContain('The qwen2.5-coder models are neither here nor to be had');
  });

  it('nobody who named models gets others', async () => {
    const named = [
      ['--pair', 'qwen2.5-coder'],
      ['--large', 'qwen2.5-coder-1.5b-instruct'],
    ];
    for (const args of named) {
      const { stderr, stdout, exitCode } = await run(...args, '--strategy', 'large', QUESTION);
      expect(stdout).toBe('');
      expect(stderr).toContain('error[source-unavailable]');
      expect(exitCode).not.toBe(0);
    }
  });

  it('the library says so to its caller, and in the names of the run', async () => {
    const notices: string[] = [];
    const options = { home, offline: true, strategies: ['large'] };
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
