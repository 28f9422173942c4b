/**
 * One pull of a model at a time, across processes: a lock file beside the target, created
 * exclusively, that names its holder. A lock whose holder is dead is taken over. The lock keeps two
 * pulls from wasting each other's work; what keeps a finished file right is its digest.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { PilotfishError, throwIfAborted } from '../core/errors.ts';
import { abortableSleep } from './abortable-sleep.ts';
import type { CatalogContext } from './catalog-context.ts';
import { errnoOf, fileSystemError, isMissing } from './file-system-error.ts';

const HOLDER = z.object({ pid: z.number().int(), host: z.string(), token: z.string() });
type Holder = z.infer<typeof HOLDER>;

/** Locks of this process: a lock of our process id that is not here is from before a restart. */
const heldTokens = new Set<string>();

export class PullLock {
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

  /** @throws PilotfishError `download-failed` if another holds it for too long, `aborted` */
  static async acquire(target: string, name: string, context: CatalogContext): Promise<PullLock> {
    const path = `${target}.lock`;
    const { limits, signal } = context;
    const token = randomUUID();
    const deadlineMs = Date.now() + limits.lockWaitMsMax;
    await makeFolder(dirname(target));
    for (let isFirst = true; ; isFirst = false) {
      throwIfAborted(signal);
      heldTokens.add(token);
      if (await create(path, token)) return new PullLock(path, token, limits.lockRefreshMs);
      heldTokens.delete(token);
      const holder = await readHolder(path);
      if (await isAbandoned(path, holder, limits.lockStaleMs)) {
        await takeAway(path, holder);
        continue;
      }
      if (Date.now() >= deadlineMs) throw waitedTooLong(path, name, holder);
      if (isFirst) context.onNotice(`${holderText(holder)} is pulling ${name}; waiting for it.`);
      await abortableSleep(limits.lockPollMs, signal);
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

function waitedTooLong(path: string, name: string, holder: Holder | null): PilotfishError {
  return new PilotfishError('download-failed', `${holderText(holder)} is still pulling ${name}.`, {
    remedy: `Wait for it and run this again, or delete ${path} if nothing is pulling.`,
    fields: { name, lock: path, pid: holder?.pid ?? null },
  });
}
