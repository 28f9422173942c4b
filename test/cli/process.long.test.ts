/** Ends of the program that a shell seldom sees: terminated, unread, on a full disk. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { REAL, ROOT, run, SCRIPTED } from './program.ts';

/** A device that is always full. */
const FULL_DISK = '/dev/full';

describe('the program', () => {
  it('tells JSON readers what is refused, with code 2', async () => {
    const { out, code } = await run(REAL, ['ask', '--json', '-'], { input: '\n' });
    expect(JSON.parse(out)).toMatchObject({ type: 'error', code: 'prompt-empty' });
    expect(code).toBe(2);
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
