import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runs } from '../../test/runs.ts';
import { PilotfishError } from '../core/errors.ts';
import { FileLock, type FileLockOptions } from './file-lock.ts';

const NO_SUCH_PID = 2 ** 22 + 1;
/** The processes meet at other moments in every round. */
const ROUND_COUNT = runs(10, 50);

let folder: string;
let target: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-lock-'));
  target = join(folder, 'thing');
  path = `${target}.lock`;
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

function acquire(changes: Partial<FileLockOptions> = {}): Promise<FileLock> {
  return FileLock.acquire(target, {
    pollMs: 1,
    refusal: ({ holder, pid }) =>
      new PilotfishError('evaluation-invalid', `${holder} has it`, { fields: { pid } }),
    otherwise: 'choose another folder',
    ...changes,
  });
}

async function leaveLock(holder: unknown): Promise<void> {
  await writeFile(path, typeof holder === 'string' ? holder : JSON.stringify(holder));
}

describe('a lock file', () => {
  it('lets one holder in at a time, and leaves nothing behind', async () => {
    let insideCount = 0;
    let doneCount = 0;
    const work = async (): Promise<void> => {
      await using _lock = await acquire({ waitMsMax: Number.POSITIVE_INFINITY });
      insideCount += 1;
      expect(insideCount).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      insideCount -= 1;
      doneCount += 1;
    };
    await Promise.all(Array.from({ length: 10 * ROUND_COUNT }, work));
    expect(doneCount).toBe(10 * ROUND_COUNT);
    expect(await readdir(folder)).toEqual([]);
  });

  it('names the holder once while it waits, and again when the wait is over in vain', async () => {
    const holder = { pid: process.ppid, host: hostname(), token: 'theirs' };
    await leaveLock(holder);
    const told: string[] = [];
    // The clock stands still until an acquire waits.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const onWait = (name: string): void => {
      told.push(name);
      vi.setSystemTime(Date.now() + 20);
    };
    const refused = acquire({ waitMsMax: 20, onWait });
    await expect(refused).rejects.toMatchObject({
      message: `Process ${process.ppid} has it`,
      fields: { pid: process.ppid },
    });
    expect(told).toEqual([`Process ${process.ppid}`]);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(holder);
    // Without a wait, `onWait` is not called.
    await expect(acquire({ onWait })).rejects.toThrow('has it');
    expect(told).toHaveLength(1);
  });

  it('is not waited for after an abort', async () => {
    await leaveLock({ pid: process.ppid, host: hostname(), token: 'theirs' });
    const caller = new AbortController();
    const onWait = (): void => caller.abort();
    const waiting = acquire({ waitMsMax: 60_000, signal: caller.signal, onWait });
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  });

  it('reports the path at which it cannot be created', async () => {
    await writeFile(join(folder, 'file'), '');
    target = join(folder, 'file', 'thing');
    await expect(acquire()).rejects.toMatchObject({
      code: 'file-system-failed',
      message: expect.stringContaining(`Could not lock ${target}: `),
      remedy: 'Check the path and its permissions, or choose another folder.',
    });
  });
});

describe('an abandoned lock', () => {
  it.each([
    ['of a dead process', { pid: NO_SUCH_PID, host: hostname(), token: 'old' }],
    ['of our own number before a restart', { pid: process.pid, host: hostname(), token: 'old' }],
  ])('%s is taken over at once', async (_, holder) => {
    await leaveLock(holder);
    {
      await using _lock = await acquire();
      expect(JSON.parse(await readFile(path, 'utf8'))).not.toEqual(holder);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['of another machine', { pid: 1, host: 'elsewhere.example', token: 'old' }],
    ['without a name in it', ''],
  ])('%s is taken over once it is old', async (_, holder) => {
    await leaveLock(holder);
    await expect(acquire()).rejects.toThrow('has it');
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(path, longAgo, longAgo);
    await using _lock = await acquire();
    expect(await readdir(folder)).toEqual(['thing.lock']);
  });

  it('is taken over by exactly one waiting process', async () => {
    for (let round = 0; round < ROUND_COUNT; round += 1) {
      await leaveLock({ pid: NO_SUCH_PID, host: hostname(), token: 'old' });
      const all = await Promise.allSettled(Array.from({ length: 10 }, () => acquire()));
      const held = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(held).toHaveLength(1);
      await held[0]?.[Symbol.asyncDispose]();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it('is taken over, though a process died while it took it over', async () => {
    await leaveLock({ pid: NO_SUCH_PID, host: hostname(), token: 'old' });
    await writeFile(`${path}.takeover`, '');
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(`${path}.takeover`, longAgo, longAgo);
    {
      await using _lock = await acquire();
      expect(await readdir(folder)).toEqual(['thing.lock']);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not taken over from a holder that refreshes it', async () => {
    await using _lock = await acquire({ refreshMs: 1 });
    const mine = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...mine, host: 'elsewhere.example' }));
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(path, longAgo, longAgo);
    while (statSync(path).mtimeMs <= longAgo.getTime()) await new Promise(setImmediate);
    await expect(acquire()).rejects.toThrow('on elsewhere.example has it');
    expect(existsSync(path)).toBe(true);
  });
});
