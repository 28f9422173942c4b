import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from './errors.ts';
import { FairMutex } from './fair-mutex.ts';

const mutexOf = (waitingCountMax: number): FairMutex =>
  new FairMutex({ name: 'the compute device', waitingCountMax });

/** Lets every continuation that is ready run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('FairMutex', () => {
  it('serves its callers in order of arrival', async () => {
    const mutex = mutexOf(10);
    const order: number[] = [];
    const leaveFirst = await mutex.enter();
    const others = [1, 2, 3].map((number) =>
      mutex.exclusive(async () => {
        order.push(number);
        await settle();
        order.push(-number);
      }),
    );
    expect(mutex.waitingCount).toBe(3);
    await settle();
    expect(order).toEqual([]);
    leaveFirst();
    await Promise.all(others);
    expect(order).toEqual([1, -1, 2, -2, 3, -3]);
    expect(mutex.waitingCount).toBe(0);
  });

  it('returns the result of the work', async () => {
    await expect(mutexOf(0).exclusive(async () => 42)).resolves.toBe(42);
  });

  it('is released by work that throws, at once or later', async () => {
    const mutex = mutexOf(1);
    const failLater = async (): Promise<never> => {
      await settle();
      throw new Error('later');
    };
    const failAtOnce = (): never => {
      throw new Error('at once');
    };
    await expect(mutex.exclusive(failLater)).rejects.toThrow('later');
    await expect(mutex.exclusive(failAtOnce)).rejects.toThrow('at once');
    await expect(mutex.exclusive(async () => 'free')).resolves.toBe('free');
  });

  it('refuses a caller past the limit, with an error that gives the limit', async () => {
    const mutex = mutexOf(1);
    const leave = await mutex.enter();
    const waiting = mutex.enter();
    await expect(mutex.enter()).rejects.toMatchObject({
      code: 'engine-busy',
      message: '1 already wait for the compute device.',
      fields: { waitingCountMax: 1 },
    });
    leave();
    const leaveSecond = await waiting;
    const third = mutex.enter();
    leaveSecond();
    (await third)();
  });

  it('rejects a caller whose signal has already fired, even if the mutex is free', async () => {
    const mutex = mutexOf(1);
    await expect(mutex.enter(AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    (await mutex.enter())();
  });

  it('skips a caller that aborts while it waits, and frees its place', async () => {
    const mutex = mutexOf(2);
    const order: string[] = [];
    const controller = new AbortController();
    const leave = await mutex.enter();
    const aborted = mutex.exclusive(async () => order.push('aborted'), controller.signal);
    const next = mutex.exclusive(async () => order.push('next'));
    controller.abort(new PilotfishError('disposed', 'The engine was closed.'));
    await expect(aborted).rejects.toMatchObject({ code: 'disposed' });
    expect(mutex.waitingCount).toBe(1);
    leave();
    await next;
    expect(order).toEqual(['next']);
  });

  it('is not released when the signal of its holder fires', async () => {
    const mutex = mutexOf(2);
    const controller = new AbortController();
    const first = await mutex.enter();
    const second = mutex.enter(controller.signal);
    const third = mutex.enter();
    first();
    controller.abort();
    const leaveSecond = await second;
    let thirdEntered = false;
    const seen = third.then((leave) => {
      thirdEntered = true;
      return leave;
    });
    await settle();
    expect(thirdEntered).toBe(false);
    leaveSecond();
    (await seen)();
  });

  it('is released once, however often its holder releases it', async () => {
    const mutex = mutexOf(2);
    const leave = await mutex.enter();
    const second = mutex.enter();
    const third = mutex.enter();
    leave();
    leave();
    const leaveSecond = await second;
    leave();
    await settle();
    expect(mutex.waitingCount).toBe(1);
    leaveSecond();
    (await third)();
    expect(mutex.waitingCount).toBe(0);
  });

  it('has one holder at a time, loses no caller and keeps the order in any interleaving', async () => {
    const anyTask = fc.record({
      abortsAfter: fc.option(fc.nat({ max: 6 })),
      throws: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(anyTask, { minLength: 1, maxLength: 8 }),
        async (scheduler, tasks) => {
          const mutex = mutexOf(tasks.length);
          const [arrived, entered]: [number[], number[]] = [[], []];
          let holderCount = 0;
          const run = async (task: (typeof tasks)[number], number: number): Promise<string> => {
            const controller = new AbortController();
            await scheduler.schedule(Promise.resolve(), `arrive ${number}`);
            if (task.abortsAfter !== null) {
              const late = Promise.resolve();
              scheduler.schedule(late, `abort ${number}`).then(() => controller.abort());
            }
            arrived.push(number);
            const work = async (): Promise<string> => {
              entered.push(number);
              holderCount += 1;
              expect(holderCount).toBe(1);
              await scheduler.schedule(Promise.resolve(), `work ${number}`);
              expect(holderCount).toBe(1);
              holderCount -= 1;
              if (task.throws) throw new Error('work failed');
              return 'done';
            };
            return mutex.exclusive(work, controller.signal).catch((error: unknown) => {
              if (PilotfishError.isInstance(error)) return error.code;
              return error instanceof Error ? error.message : String(error);
            });
          };
          const outcomes = Promise.all(tasks.map(run));
          await scheduler.waitFor(outcomes);
          const results = await outcomes;
          for (const [number, result] of results.entries()) {
            const task = tasks[number];
            expect(entered.includes(number)).toBe(result !== 'aborted');
            if (result === 'aborted') expect(task?.abortsAfter).not.toBeNull();
            else expect(result).toBe(task?.throws === true ? 'work failed' : 'done');
          }
          expect(entered).toEqual(arrived.filter((number) => entered.includes(number)));
          expect(mutex.waitingCount).toBe(0);
          (await mutex.enter())();
        },
      ),
      { numRuns: 150 },
    );
  });
});
