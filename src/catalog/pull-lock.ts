/**
 * Allows one pull of a model at a time. The lock saves work; the digest keeps a finished file
 * right.
 */
import { PilotfishError } from '../core/errors.ts';
import { FileLock, type HeldLock } from '../storage/file-lock.ts';
import type { CatalogContext } from './catalog-context.ts';
import { ANOTHER_HOME } from './file-system-error.ts';

/**
 * @throws PilotfishError `download-failed` if another process holds the lock for too long,
 *   `aborted`
 */
export function pullLock(target: string, name: string, context: CatalogContext): Promise<FileLock> {
  const { limits, signal, onNotice } = context;
  return FileLock.acquire(target, {
    pollMs: limits.lockPollMs,
    waitMsMax: limits.lockWaitMsMax,
    staleMs: limits.lockStaleMs,
    refreshMs: limits.lockRefreshMs,
    signal,
    onWait: (holder) => onNotice(`${holder} is pulling ${name}; waiting for it.`),
    refusal: (held) => waitedTooLong(name, held),
    otherwise: ANOTHER_HOME,
  });
}

function waitedTooLong(name: string, { holder, pid, path }: HeldLock): PilotfishError {
  return new PilotfishError('download-failed', `${holder} is still pulling ${name}.`, {
    remedy: `Wait for it and run this again, or delete ${path} if nothing is pulling.`,
    fields: { name, lock: path, pid },
  });
}
