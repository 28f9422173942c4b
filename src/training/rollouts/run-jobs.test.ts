import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runJobs } from './run-jobs.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('running jobs', () => {
  it('runs each once, in order, so many at a time and no more', async () => {
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

  it('throws the first failure when nothing runs any more, and begins nothing after it', async () => {
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

  it.each([0, 3])('ends as aborted when its caller says so, with %s jobs', async (count) => {
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
