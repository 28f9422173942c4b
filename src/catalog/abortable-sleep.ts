/** Waits, unless the caller has had enough. */
import { setTimeout as sleep } from 'node:timers/promises';
import { abortError } from '../core/errors.ts';

/** @throws PilotfishError `aborted`, or whatever error of ours the signal carries */
export async function abortableSleep(
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted === true ? abortError(signal) : error;
  }
}
