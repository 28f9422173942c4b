/** Waits for work that goes on by itself, but no longer than the request that wants it lives. */
import { abortError } from './errors.ts';

/** @throws PilotfishError `aborted`, at once; the work goes on and its result is dropped */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(abortError(signal));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
