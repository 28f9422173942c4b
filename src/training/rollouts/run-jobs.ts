/** Runs many jobs, so many at a time, in the order they are given. */
import { setMaxListeners } from 'node:events';
import { throwIfAborted } from '../../core/errors.ts';

/**
 * The first failure stops the others through `signal`, and is thrown when nothing runs any more.
 * @param jobs each gets a signal that fires when the caller's does or another job fails
 */
export async function runJobs<T>(
  jobs: readonly T[],
  workerCount: number,
  run: (job: T, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  setMaxListeners(LISTENERS_PER_WORKER * workerCount, either);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
      try {
        throwIfAborted(either);
        await run(job, either);
      } catch (error) {
        failed.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(workerCount, jobs.length) }, worker));
  throwIfAborted(signal);
  if (failed.signal.aborted) throw failed.signal.reason;
}

/** A job may wait for several things at once. */
const LISTENERS_PER_WORKER = 8;
