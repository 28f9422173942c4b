/** Sleeps until the time is over or the signal aborts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { abortError } from './errors.ts';

/** @throws PilotfishError `aborted`, or the error of ours that the signal carries */
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
