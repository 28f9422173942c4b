/**
 * One process at a time at something on disk: a lock file beside it, created exclusively, that names
 * its holder. A lock whose holder is dead is taken over. It keeps two processes from wasting or
 * spoiling each other's work.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { abortableSleep } from '../catalog/abortable-sleep.ts';
import { errnoOf, fileSystemError, isMissing } from '../catalog/file-system-error.ts';
import { type PilotfishError, throwIfAborted } from '../core/errors.ts';

const HOLDER = z.object({ pid: z.number().int(), host: z.string(), token: z.string() });
type Holder = z.infer<typeof HOLDER>;

/** Locks of this process: a lock of our process id that is not here is from before a restart. */
const heldTokens = new Set<string>();

export interface FileLockOptions {
  readonly pollMs: number;
  /** How long to wait for another holder; 0: not at all. */
  readonly waitMsMax: number;
  /** A lock of another machine that was not refreshed for so long is abandoned. */
  readonly staleMs: number;
  readonly refreshMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Told once, if there is somebody to wait for. */
  readonly onWait: (holder: string) => void;
  /** What to say when the wait was in vain. */
  readonly refusal: (held: HeldLock) => PilotfishError;
}

export interface HeldLock {
  /** Such as "Process 123". */
  readonly holder: string;
  readonly pid: number | null;
  readonly path: string;
}

export class FileLock {
  readonly #path: string;
  readonly #token: string;
  readonly #refresh: NodeJS.Timeout;

  private constructor(path: string, token: string, refreshMs: number) {
    this.#path = path;
    this.#token = token;
    const touch = (): Promise<void> => utimes(path, new Date(), new Date());
    // A failed refresh only makes the lock look older; the next one may succeed.
    this.#refresh = setInterval(() => void touch().catch(() => undefined), refreshMs);
    this.#refresh.unref();
  }

  /**
   * @param target what is locked; the lock lies beside it
   * @throws PilotfishError the refusal, `aborted`, `file-system-failed`
   */
  static async acquire(target: string, options: FileLockOptions): Promise<FileLock> {
    const path = `${target}.lock`;
    const { waitMsMax, pollMs, staleMs, refreshMs, signal } = options;
    const token = randomUUID();
    const deadlineMs = Date.now() + waitMsMax;
    await makeFolder(dirname(target));
    for (let isFirst = true; ; isFirst = false) {
      throwIfAborted(signal);
      heldTokens.add(token);
      if (await create(path, token)) return new FileLock(path, token, refreshMs);
      heldTokens.delete(token);
      const holder = await readHolder(path);
      if (await isAbandoned(path, holder, staleMs)) {
        await takeAway(path, holder);
        continue;
      }
      if (Date.now() >= deadlineMs) {
        throw options.refusal({ holder: holderText(holder), pid: holder?.pid ?? null, path });
      }
      if (isFirst) options.onWait(holderText(holder));
      await abortableSleep(pollMs, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#refresh);
    const holder = await readHolder(this.#path);
    if (holder?.token === this.#token) await rm(this.#path, { force: true });
    heldTokens.delete(this.#token);
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw fileSystemError(error, 'create', folder);
  }
}

/** True if the lock file is now ours. */
async function create(path: string, token: string): Promise<boolean> {
  try {
    await using file = await open(path, 'wx');
    try {
      await file.writeFile(JSON.stringify({ pid: process.pid, host: hostname(), token }));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw fileSystemError(error, 'create', path);
  }
}

/** Null if the lock is gone, or is being written this very moment. */
async function readHolder(path: string): Promise<Holder | null> {
  try {
    return HOLDER.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

async function isAbandoned(path: string, holder: Holder | null, staleMs: number): Promise<boolean> {
  if (holder?.host === hostname()) {
    return holder.pid === process.pid ? !heldTokens.has(holder.token) : !isAlive(holder.pid);
  }
  // Another machine's process cannot be asked, nor can one that died before it wrote its name.
  try {
    return Date.now() - (await stat(path)).mtimeMs > staleMs;
  } catch (error) {
    if (isMissing(error)) return false;
    throw fileSystemError(error, 'read', path);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return errnoOf(error) === 'EPERM';
  }
}

/**
 * Removes an abandoned lock. Two processes may try at once: renaming lets one win, and if that one
 * finds that it carried off a newer lock, whose holder had been quicker, it puts that one back.
 */
async function takeAway(path: string, seen: Holder | null): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw fileSystemError(error, 'remove', path);
  }
  const taken = await readHolder(aside);
  if (taken !== null && taken.token !== seen?.token) await rename(aside, path);
  else await rm(aside, { force: true });
}

function holderText(holder: Holder | null): string {
  if (holder === null) return 'Another process';
  const where = holder.host === hostname() ? '' : ` on ${holder.host}`;
  return `Process ${holder.pid}${where}`;
}
