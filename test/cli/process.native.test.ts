/** The program as a process, as a shell sees it. No model, no network. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const REAL = 'src/cli/main.ts';
/** A device that is always full. */
const FULL_DISK = '/dev/full';
const SCRIPTED = 'test/cli/scripted-main.ts';

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the process when it first wrote to standard output. */
  readonly onFirstOutput?: (child: ChildProcessWithoutNullStreams) => void;
}

async function run(
  main: string,
  args: readonly string[],
  { input = '', env = {}, onFirstOutput }: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const seen = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (seen.out === '') onFirstOutput?.(child);
    seen.out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    seen.err += chunk;
  });
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { ...seen, code };
}

describe('the program', () => {
  it('shows help without models or a native library', async () => {
    const env = { PILOTFISH_LLAMA_CPP: '/nonexistent' };
    const help = await run(REAL, ['ask', '--help'], { env });
    expect(help).toMatchObject({ err: '', code: 0 });
    expect(help.out).toContain(
      "Strategies, as NAME or NAME@THRESHOLD\nOne model's own text:\n  small",
    );
  });

  it('refuses an invalid option, with code 2', async () => {
    const [strategy, prompt] = await Promise.all([
      run(REAL, ['ask', '--strategy', 'nope', 'hi']),
      run(REAL, ['ask', '--json', '-'], { input: '\n' }),
    ]);
    expect(strategy.err).toMatch(
      /^error\[strategy-unknown\]: .*"nope"\.\nhelp: Choose one of small/,
    );
    expect(strategy).toMatchObject({ out: '', code: 2 });
    expect(JSON.parse(prompt.out)).toMatchObject({ type: 'error', code: 'prompt-empty' });
    expect(prompt.code).toBe(2);
  });

  it('gives a pipe the exact answer', async () => {
    const { out, err, code } = await run(SCRIPTED, ['ask', '-'], { input: 'hi\n' });
    expect(out).toBe('A pilot fish swims ahead of the\nshark\u001b[31m.');
    expect(err).toMatch(/^strategy {9}entropy\n[\s\S]*\ndisposed\n$/);
    expect(code).toBe(0);
  });

  it('stops at Ctrl-C, disposes, and tells JSON readers', async () => {
    const { out, err, code } = await run(SCRIPTED, ['ask', '--json', 'hi'], {
      env: { SCRIPT_REPEAT: '100', SCRIPT_DELAY_MS: '50' },
      onFirstOutput: (child) => child.kill('SIGINT'),
    });
    expect(JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ code: 'aborted' });
    expect(err).toBe('disposed\nerror[aborted]: Interrupted.\n');
    expect(code).toBe(130);
  });

  it('has its own code for termination', async () => {
    const { err, code } = await run(SCRIPTED, ['ask', 'hi'], {
      env: { SCRIPT_REPEAT: '100', SCRIPT_DELAY_MS: '50' },
      onFirstOutput: (child) => child.kill('SIGTERM'),
    });
    expect([code, err]).toEqual([143, 'disposed\nerror[aborted]: Terminated.\n']);
  });

  it('ends quietly when its reader leaves', async () => {
    const { err, code } = await run(SCRIPTED, ['ask', '--json', 'hi'], {
      env: { SCRIPT_REPEAT: '2000' },
      onFirstOutput: (child) => child.stdout.destroy(),
    });
    expect([code, err]).toEqual([0, 'disposed\n']);
  });

  it.skipIf(!existsSync(FULL_DISK))('reports output that cannot be written', async () => {
    const full = openSync(FULL_DISK, 'w');
    const child = spawn(process.execPath, ['--import', 'tsx', REAL, '--help'], {
      cwd: ROOT,
      stdio: ['ignore', full, 'pipe'],
    });
    const [err, [code]] = await Promise.all([
      text(required(child.stderr, 'standard error is a pipe')),
      once(child, 'close'),
    ]);
    closeSync(full);
    expect(err).toMatch(
      /^error\[disk-full\]: Could not write standard output: the disk is full \(ENOSPC\)/,
    );
    expect(code).toBe(1);
  });
});
