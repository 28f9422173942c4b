/** Runs jobs in the given order, a fixed number at a time. */
import { setMaxListeners } from 'node:events';
import { PilotfishError, throwIfAborted } from '../../core/errors.ts';
import type { Progressing } from '../../core/progress.ts';

/** The signal fires when the caller's fires or another job fails. */
type Run<T> = (job: T, signal: AbortSignal) => Promise<void>;

/** The first failure stops the other jobs through `signal`, and is thrown when all have ended. */
export async function runJobs<T>(
  jobs: readonly T[],
  workerCount: number,
  run: Run<T>,
  signal?: AbortSignal,
): Promise<void> {
  await runUnless(() => false, jobs, workerCount, run, signal);
}

/**
 * As `runJobs`, with fewer jobs at a time where the KV cache is too full: jobs that found no room run
 * again, from their beginning, when the others have ended. The lengths of the texts are unknown
 * beforehand, and room for the longest would leave most of a cache empty.
 * @param run a `kv-full` of a job that runs alone is a failure as any other
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

/** As `runJobsThatFit`, with a progress bar. */
export async function runCounted<T>(
  jobs: readonly T[],
  label: string,
  { waveSize, onProgress, signal }: { readonly waveSize: number } & Progressing,
  run: Run<T>,
): Promise<void> {
  let done = 0;
  const tell = (): void => onProgress?.({ label, done, total: jobs.length, unit: 'steps' });
  // The first job of a slow pair takes minutes.
  if (jobs.length > 0) tell();
  const counted: Run<T> = async (job, own) => {
    await run(job, own);
    done += 1;
    tell();
  };
  await runJobsThatFit(jobs, waveSize, counted, signal);
}

/** Whether a model's KV cache had no room. */
export function isFull(error: unknown): boolean {
  return PilotfishError.isInstance(error) && error.code === 'kv-full';
}

/** @returns the jobs to run again, those that ran first: a worker ends with its first such job */
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

/** The number of listeners that a job may add to its signal. */
const LISTENERS_PER_WORKER = 8;
