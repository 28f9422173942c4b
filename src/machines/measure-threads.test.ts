import { describe, expect, it } from 'vitest';
import { type TimedForward, TimedModel } from './fakes/timed-model.ts';
import { chooseThreadCount, threadCandidates, tuneThreads } from './measure-threads.ts';

function tune(msOf: (forward: TimedForward) => number, processorCount = 8) {
  const model = new TimedModel({ msOf });
  const clock = { nowMs: () => model.nowMs };
  return { model, tuned: tuneThreads(model, processorCount, { clock }) };
}

describe('threadCandidates', () => {
  it.each([
    [1, [1]],
    [2, [1, 2]],
    [3, [1, 2, 3]],
    [8, [1, 2, 4, 8]],
    [12, [1, 2, 4, 8, 12]],
  ])('for %d processors are %j', (processorCount, expected) => {
    expect(threadCandidates(processorCount)).toEqual(expected);
  });
});

describe('chooseThreadCount', () => {
  const measured = (...times: readonly number[]) =>
    times.map((ms, index) => ({ threadCount: 2 ** index, ms }));

  it.each([
    [measured(40, 24, 15), 4],
    [measured(40, 24, 60), 2],
    [measured(10, 24, 60), 1],
    // Within 3 % the smaller number of threads wins.
    [measured(40, 20.5, 20), 2],
    [measured(40, 20.7, 20), 4],
    [measured(20, 20, 20), 1],
  ])('of %j takes %d', (times, expected) => {
    expect(chooseThreadCount(times)).toBe(expected);
  });
});

describe('tuneThreads', () => {
  it('sets the model to the fastest number of threads', async () => {
    const { model, tuned } = tune(({ threadCount }) => 80 / threadCount + 5 * threadCount);
    expect(await tuned).toEqual({
      model: 'timed',
      weightBytes: 1000,
      threadCount: 4,
      measured: [
        { threadCount: 1, ms: 85 },
        { threadCount: 2, ms: 50 },
        { threadCount: 4, ms: 40 },
        { threadCount: 8, ms: 50 },
      ],
      isQuiet: true,
    });
    expect([model.threadCount, model.sequenceCount]).toEqual([4, 0]);
  });

  it('decodes single rows at an empty cache only', async () => {
    const { model, tuned } = tune(() => 10);
    await tuned;
    for (const forward of model.forwards) {
      expect(forward).toMatchObject({ rowCount: 1, outputRowCount: 1, cachedTokenCount: 0 });
    }
  });

  it('does not count the forward that wakes the threads', async () => {
    const { tuned } = tune(({ n }) => (n === 0 ? 15 : 20), 2);
    expect((await tuned).measured.map(({ ms }) => ms)).toEqual([20, 20]);
  });

  it('tries a hopelessly slow number of threads once', async () => {
    const { model, tuned } = tune(({ threadCount }) => (threadCount === 2 ? 4000 : 5), 2);
    expect((await tuned).threadCount).toBe(1);
    expect(model.forwards.filter(({ threadCount }) => threadCount === 2)).toHaveLength(1);
  });

  it('keeps to its time budget', async () => {
    const slow = tune(() => 100, 2);
    const fast = tune(() => 5, 2);
    await Promise.all([slow.tuned, fast.tuned]);
    // One pass of 2 x 4 forwards for the slow model, and the most passes for the fast one.
    expect(slow.model.forwards).toHaveLength(8);
    expect(fast.model.forwards).toHaveLength(24);
  });

  it('notices that the machine is busy', async () => {
    const { tuned } = tune(({ n }) => 20 + 30 * n, 2);
    expect((await tuned).isQuiet).toBe(false);
  });

  it('stops when it is aborted', async () => {
    const model = new TimedModel({ msOf: () => 1 });
    const tuned = tuneThreads(model, 2, { signal: AbortSignal.abort() });
    await expect(tuned).rejects.toMatchObject({ code: 'aborted' });
    expect(model.sequenceCount).toBe(0);
  });
});
