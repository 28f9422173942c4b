import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../../core/errors.ts';
import { runJobs, runJobsThatFit } from './run-jobs.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('running jobs', () => {
  it('runs each job once, in order, up to the given number at a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { maxLength: 20 }),
        fc.integer({ min: 1, max: 6 }),
        async (turns, workerCount) => {
          const begun: number[] = [];
          let running = 0;
          let runningMax = 0;
          await runJobs([...turns.keys()], workerCount, async (job) => {
            begun.push(job);
            running += 1;
            runningMax = Math.max(runningMax, running);
            for (let left = turns[job] ?? 0; left >= 0; left -= 1) await turn();
            running -= 1;
          });
          expect(begun).toEqual([...turns.keys()]);
          expect(runningMax).toBe(Math.min(workerCount, turns.length));
          expect(running).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('starts no job after the first failure, and throws it when all running jobs have ended', async () => {
    const begun: number[] = [];
    const stopped: number[] = [];
    const failure = new Error('job 1 fails');
    const run = runJobs([0, 1, 2, 3, 4, 5], 3, async (job, signal) => {
      begun.push(job);
      await turn();
      if (job === 1) throw failure;
      for (let left = 0; left < 5; left += 1) await turn();
      if (signal.aborted) stopped.push(job);
      signal.throwIfAborted();
    });
    await expect(run).rejects.toBe(failure);
    expect(begun).toEqual([0, 1, 2]);
    expect(stopped).toEqual([0, 2]);
  });

  it.each([0, 3])('ends as aborted when its caller aborts, with %s jobs', async (count) => {
    const caller = new AbortController();
    const jobs = Array.from({ length: count }, (_, job) => job);
    const begun: number[] = [];
    if (count === 0) caller.abort();
    const run = runJobs(
      jobs,
      1,
      async (job, signal) => {
        begun.push(job);
        caller.abort();
        expect(signal.aborted).toBe(true);
      },
      caller.signal,
    );
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(begun).toEqual(jobs.slice(0, 1));
  });
});

describe('jobs that share a cache', () => {
  const full = (): PilotfishError => new PilotfishError('kv-full', 'no room');

  it('all end, with fewer at a time where the cache has no more room', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 16 }),
        async (sizes, workerCount) => {
          let used = 0;
          const done: number[] = [];
          await runJobsThatFit([...sizes.keys()], workerCount, async (job) => {
            let held = 0;
            try {
              for (; held < (sizes[job] ?? 0); held += 1) {
                if (used >= 10) throw full();
                used += 1;
                await turn();
              }
              done.push(job);
            } finally {
              used -= held;
            }
          });
          expect(done.toSorted((a, b) => a - b)).toEqual([...sizes.keys()]);
          expect(used).toBe(0);
        },
      ),
    );
  });

  it('fail where a job alone finds no room, and with any other failure', async () => {
    const running: number[] = [];
    let count = 0;
    const alone = runJobsThatFit([0, 1, 2, 3, 4], 4, async (job) => {
      count += 1;
      running.push(count);
      await turn();
      count -= 1;
      if (job === 3) throw full();
    });
    await expect(alone).rejects.toMatchObject({ code: 'kv-full' });
    expect([Math.max(...running), running.at(-1)]).toEqual([4, 1]);
    const failure = new Error('job 1 fails');
    const other = runJobsThatFit([0, 1, 2], 2, async (job) => {
      await turn();
      throw job === 1 ? failure : full();
    });
    await expect(other).rejects.toBe(failure);
    const signal = AbortSignal.abort();
    const none = runJobsThatFit([0], 2, () => Promise.reject(full()), signal);
    await expect(none).rejects.toMatchObject({ code: 'aborted' });
  });
});
