import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from './errors.ts';
import { FairMutex } from './fair-mutex.ts';

const turnsOf = (waitingCountMax: number): FairMutex =>
  new FairMutex({ name: 'the compute device', waitingCountMax });

/** Lets every continuation that is ready run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Turns', () => {
  it('hands turns out in order of arrival', async () => {
    const turns = turnsOf(10);
    const order: number[] = [];
    const leaveFirst = await turns.enter();
    const others = [1, 2, 3].map((number) =>
      turns.exclusive(async () => {
        order.push(number);
        await settle();
        order.push(-number);
      }),
    );
    expect(turns.waitingCount).toBe(3);
    await settle();
    expect(order).toEqual([]);
    leaveFirst();
    await Promise.all(others);
    expect(order).toEqual([1, -1, 2, -2, 3, -3]);
    expect(turns.waitingCount).toBe(0);
  });

  it('returns what the work returns', async () => {
    await expect(turnsOf(0).exclusive(async () => 42)).resolves.toBe(42);
  });

  it('ends the turn of work that throws, at once or later', async () => {
    const turns = turnsOf(1);
    const failLater = async (): Promise<never> => {
      await settle();
      throw new Error('later');
    };
    const failAtOnce = (): never => {
      throw new Error('at once');
    };
    await expect(turns.exclusive(failLater)).rejects.toThrow('later');
    await expect(turns.exclusive(failAtOnce)).rejects.toThrow('at once');
    await expect(turns.exclusive(async () => 'free')).resolves.toBe('free');
  });

  it('refuses the one more that would wait past the limit, and says so', async () => {
    const turns = turnsOf(1);
    const leave = await turns.enter();
    const waiting = turns.enter();
    await expect(turns.enter()).rejects.toMatchObject({
      code: 'engine-busy',
      message: '1 already wait for the compute device.',
      fields: { waitingCountMax: 1 },
    });
    leave();
    const leaveSecond = await waiting;
    const third = turns.enter();
    leaveSecond();
    (await third)();
  });

  it('rejects at once what is aborted before it asks, even with the turn free', async () => {
    const turns = turnsOf(1);
    await expect(turns.enter(AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    (await turns.enter())();
  });

  it('skips one that is aborted while it waits, and frees its place', async () => {
    const turns = turnsOf(2);
    const order: string[] = [];
    const controller = new AbortController();
    const leave = await turns.enter();
    const aborted = turns.exclusive(async () => order.push('aborted'), controller.signal);
    const next = turns.exclusive(async () => order.push('next'));
    controller.abort(new PilotfishError('disposed', 'The engine was closed.'));
    await expect(aborted).rejects.toMatchObject({ code: 'disposed' });
    expect(turns.waitingCount).toBe(1);
    leave();
    await next;
    expect(order).toEqual(['next']);
  });

  it('lets an abort after the turn began neither end nor free it', async () => {
    const turns = turnsOf(2);
    const controller = new AbortController();
    const first = await turns.enter();
    const second = turns.enter(controller.signal);
    const third = turns.enter();
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

  it('ends a turn once, however often it is told', async () => {
    const turns = turnsOf(2);
    const leave = await turns.enter();
    const second = turns.enter();
    const third = turns.enter();
    leave();
    leave();
    const leaveSecond = await second;
    leave();
    await settle();
    expect(turns.waitingCount).toBe(1);
    leaveSecond();
    (await third)();
    expect(turns.waitingCount).toBe(0);
  });

  it('never lets two hold it, loses nobody and keeps the order, in any interleaving', async () => {
    const anyTask = fc.record({
      abortsAfter: fc.option(fc.nat({ max: 6 })),
      throws: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(anyTask, { minLength: 1, maxLength: 8 }),
        async (scheduler, tasks) => {
          const turns = turnsOf(tasks.length);
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
            return turns.exclusive(work, controller.signal).catch((error: unknown) => {
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
          expect(turns.waitingCount).toBe(0);
          (await turns.enter())();
        },
      ),
      { numRuns: 150 },
    );
  });
});
