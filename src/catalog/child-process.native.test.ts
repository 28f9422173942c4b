import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChildOptions, runChild } from './child-process.ts';
import { eventually, isRunning } from './fakes/catalog-bench.ts';

/**
 * Writes its own process id and its helper's to standard error and to a file, then keeps running.
 */
const STAYS = `
  const { spawn } = require('node:child_process');
  const helper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const ids = process.pid + ' ' + helper.pid;
  process.stderr.write(ids);
  if (process.env.IDS_FILE) require('node:fs').writeFileSync(process.env.IDS_FILE, ids);
  setInterval(() => {}, 1000);`;
const IGNORES_SIGTERM = `process.on('SIGTERM', () => {}); ${STAYS}`;

function options(changes: Partial<ChildOptions> = {}): ChildOptions {
  const { signal } = new AbortController();
  return { env: process.env, signal, outputCharactersMax: 100, killGraceMs: 200, ...changes };
}

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotfish-child-'));
  file = join(folder, 'ids');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Waits until both processes run and have said so. */
const bothRun = () =>
  eventually(() => existsSync(file) && /^\d+ \d+$/.test(readFileSync(file, 'utf8')));

function pids(stderr: string): readonly number[] {
  return stderr.split(' ').map(Number);
}

describe('runChild', () => {
  it('returns the exit code and the end of standard error', async () => {
    const code = `process.stderr.write('x'.repeat(200) + 'last words'); process.exitCode = 3`;
    const result = await runChild([process.execPath, '-e', code], options());
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toHaveLength(100);
    expect(result.stderr.endsWith('last words')).toBe(true);
  });

  it('reports a program that does not exist', async () => {
    const result = await runChild(['no-such-program-at-all'], options());
    expect(result.exitCode).toBeNull();
    expect(result.stderr).toContain('ENOENT');
  });

  it('starts nothing for a signal that is already aborted', async () => {
    const signal = AbortSignal.abort();
    const result = await runChild([process.execPath, '-e', STAYS], options({ signal }));
    expect(result).toEqual({ exitCode: null, stderr: '' });
  });

  it.each([
    ['that stays', STAYS],
    ['that ignores the polite request', IGNORES_SIGTERM],
  ])('ends a program %s, and its helpers', async (_, code) => {
    const caller = new AbortController();
    const running = runChild(
      [process.execPath, '-e', code],
      options({ signal: caller.signal, env: { ...process.env, IDS_FILE: file } }),
    );
    await bothRun();
    caller.abort();
    const result = await running;
    expect(result.exitCode).toBeNull();
    const started = pids(result.stderr);
    expect(started).toHaveLength(2);
    await eventually(() => !started.some(isRunning));
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'ends the program when %s ends this process',
    async (signal) => {
      const module = join(import.meta.dirname, 'child-process.ts');
      const script = `
        import { runChild } from ${JSON.stringify(module)};
        await runChild([process.execPath, '-e', ${JSON.stringify(STAYS)}], {
          env: process.env,
          signal: new AbortController().signal,
          outputCharactersMax: 100,
          killGraceMs: 200,
        });`;
      const parent = spawn(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '--eval', script],
        { env: { ...process.env, IDS_FILE: file }, stdio: 'ignore' },
      );
      const ended = new Promise((done) => {
        parent.once('exit', (_, by) => done(by));
      });
      await bothRun();
      const started = pids(readFileSync(file, 'utf8'));
      expect(started.every(isRunning)).toBe(true);
      parent.kill(signal);
      expect(await ended).toBe(signal);
      await eventually(() => !started.some(isRunning));
    },
  );
});
