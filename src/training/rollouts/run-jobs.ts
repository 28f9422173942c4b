/** Runs many jobs, so many at a time, in the order they are given. */
import { setMaxListeners } from 'node:events';
import { PilotfishError, throwIfAborted } from '../../core/errors.ts';

/** A job gets a signal that fires when the caller's does or another job fails. */
type Run<T> = (job: T, signal: AbortSignal) => Promise<void>;

/** The first failure stops the others through `signal`, and is thrown when nothing runs any more. */
export async function runJobs<T>(
  jobs: readonly T[],
  workerCount: number,
  run: Run<T>,
  signal?: AbortSignal,
): Promise<void> {
  await runUnless(() => false, jobs, workerCount, run, signal);
}

/**
 * As `runJobs`, with fewer at a time where the KV cache is too full for so many: jobs that found no
 * room run again, from their beginning, when the others have ended. How long texts become nobody knows
 * beforehand, and room for the longest would leave most of a cache empty.
 * @param run of a job alone, its `kv-full` is a failure as any other
 */
export async function runJobsThatFit<T>(
  jobs: readonly T[],
  workerCount: number,
  run: Run<T>,
  signal?: AbortSignal,
): Promise<void> {
  let left = jobs;
  for (let count = workerCount; left.length > 0; count = Math.ceil(count / 2)) {
    const givesWay = count > 1 ? isFull : () => false;
    left = await runUnless(givesWay, left, count, run, signal);
  }
}

/** Whether a model's KV cache had no room. */
export function isFull(error: unknown): boolean {
  return PilotfishError.isInstance(error) && error.code === 'kv-full';
}

/** @returns jobs that are to be run again, those that ran first: a worker ends with its first one */
async function runUnless<T>(
  givesWay: (error: unknown) => boolean,
  jobs: readonly T[],
  workerCount: number,
  run: Run<T>,
  signal?: AbortSignal,
): Promise<readonly T[]> {
  const again: T[] = [];
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
        if (givesWay(error)) again.push(job);
        else failed.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(workerCount, jobs.length) }, worker));
  throwIfAborted(signal);
  if (failed.signal.aborted) throw failed.signal.reason;
  return [...again, ...jobs.slice(next)];
}

/** A job may wait for several things at once. */
const LISTENERS_PER_WORKER = 8;
