/**
 * A lock file: only one process at a time works on a file or folder. The lock lies beside its
 * target, is created exclusively, and names its holder. A lock whose holder is dead is taken over.
 * The lock keeps two processes from wasting or spoiling each other's work.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { abortableSleep } from '../core/abortable-sleep.ts';
import { type PilotfishError, throwIfAborted } from '../core/errors.ts';
import { errnoOf, fileError, isMissing } from './file-error.ts';
import { readJson } from './whole-file.ts';

const HOLDER = z.object({ pid: z.number().int(), host: z.string(), token: z.string() });
type Holder = z.infer<typeof HOLDER>;

const POLL_MS = 250;
const STALE_MS = 60_000;
const REFRESH_MS = 5_000;

/**
 * The locks of this process, released ones too: one may be read just before it is released, and must
 * not look abandoned then. A lock with our process id that is not here is from before a restart.
 */
const ownTokens = new Set<string>();

export interface FileLockOptions {
  /** Default 250. */
  readonly pollMs?: number | undefined;
  /** How long to wait for another holder. Default 0: not at all. */
  readonly waitMsMax?: number | undefined;
  /**
   * The age without a refresh after which another machine's lock counts as abandoned. Default
   * 60,000.
   */
  readonly staleMs?: number | undefined;
  /** Default 5,000. */
  readonly refreshMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once, if there is a holder to wait for. */
  readonly onWait?: ((holder: string) => void) | undefined;
  /** The error to throw when the wait is over in vain. */
  readonly refusal: (held: HeldLock) => PilotfishError;
  /** See `FileAccess`. */
  readonly otherwise: string;
}

export interface HeldLock {
  /** For people, as in "Process 123". */
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
   * @param target the file or folder to lock; the lock is `TARGET.lock`
   * @throws PilotfishError the refusal, `aborted`, `disk-full`, `file-system-failed`
   */
  static async acquire(target: string, options: FileLockOptions): Promise<FileLock> {
    const path = `${target}.lock`;
    const { waitMsMax = 0, pollMs = POLL_MS, staleMs = STALE_MS, signal } = options;
    const token = randomUUID();
    const deadlineMs = Date.now() + waitMsMax;
    try {
      await mkdir(dirname(target), { recursive: true });
      for (let isFirst = true; ; isFirst = false) {
        throwIfAborted(signal);
        ownTokens.add(token);
        if (await create(path, token)) {
          return new FileLock(path, token, options.refreshMs ?? REFRESH_MS);
        }
        const holder = await readJson(path, HOLDER);
        if (await isAbandoned(path, holder, staleMs)) {
          const isOver = await takeAway(path, holder, staleMs);
          if (!isOver) await abortableSleep(pollMs, signal);
          continue;
        }
        if (Date.now() >= deadlineMs) {
          throw options.refusal({ holder: holderText(holder), pid: holder?.pid ?? null, path });
        }
        if (isFirst) options.onWait?.(holderText(holder));
        await abortableSleep(pollMs, signal);
      }
    } catch (error) {
      throw fileError(error, { action: 'lock', path: target, otherwise: options.otherwise });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#refresh);
    const holder = await readJson(this.#path, HOLDER);
    if (holder?.token === this.#token) await rm(this.#path, { force: true });
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
    throw error;
  }
}

/** @param holder null if the lock is gone, or is being written at this moment */
async function isAbandoned(path: string, holder: Holder | null, staleMs: number): Promise<boolean> {
  if (holder?.host === hostname()) {
    return holder.pid === process.pid ? !ownTokens.has(holder.token) : !isAlive(holder.pid);
  }
  // A process on another machine cannot be asked, nor one that died before it wrote its name.
  try {
    return Date.now() - (await stat(path)).mtimeMs > staleMs;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process lives, under another user.
    return errnoOf(error) === 'EPERM';
  }
}

/**
 * Removes an abandoned lock, unless a newer one has its place by now. Only one taker at a time may
 * look and remove: a second one could remove the lock of the first. A marker file sees to that. What
 * the taker reads behind the marker is safe to remove: its holder was dead before, so nobody else
 * removes it.
 *
 * @returns false while another taker is at it
 */
async function takeAway(path: string, seen: Holder | null, staleMs: number): Promise<boolean> {
  const marker = `${path}.takeover`;
  if (!(await createMarker(marker, staleMs))) return false;
  try {
    const holder = await readJson(path, HOLDER);
    const isSame = holder?.token === seen?.token;
    if (isSame && (await isAbandoned(path, holder, staleMs))) await rm(path, { force: true });
  } finally {
    await rm(marker, { force: true });
  }
  return true;
}

/** Removes the marker of a taker that died. */
async function createMarker(marker: string, staleMs: number): Promise<boolean> {
  try {
    await using _file = await open(marker, 'wx');
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    if (await isAbandoned(marker, null, staleMs)) await rm(marker, { force: true });
    return false;
  }
}

function holderText(holder: Holder | null): string {
  if (holder === null) return 'Another process';
  const where = holder.host === hostname() ? '' : ` on ${holder.host}`;
  return `Process ${holder.pid}${where}`;
}
