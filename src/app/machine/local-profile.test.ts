import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TimedForward, TimedModel } from '../../machines/fakes/timed-model.ts';
import { PROFILE, TIMED } from '../../machines/fakes/timed-profile.ts';
import type { Machine, MeasuredProfile } from '../../machines/machine-profile.ts';
import {
  isBusy,
  localModelCosts,
  localProfileName,
  profileStore,
  shortName,
  useBestThreads,
} from './local-profile.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-home-'));
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

describe('the name of this machine', () => {
  it.each([
    ['AMD EPYC', undefined, 'amd-epyc-2cpu'],
    ['Intel(R) Core(TM) i7-1185G7 @ 3.00GHz', 1, 'intel-r-core-tm-i7-1185g7-3-00ghz-2cpu-1t'],
    ['', undefined, 'machine-2cpu'],
    ['飛魚', 2, 'machine-2cpu-2t'],
  ])('of "%s" with %s threads is %s', (processor, threadCount, name) => {
    expect(localProfileName({ processor, processorCount: 2, library: '1' }, threadCount)).toBe(
      name,
    );
    expect(() => profileStore({ home }).path(name)).not.toThrow();
  });

  it('shortens the name of a model to that of its file', () => {
    expect(['qwen', '/a/b.gguf', 'hub:o/r/c.gguf'].map(shortName)).toEqual(['qwen', 'b', 'c']);
  });
});

describe('isBusy', () => {
  it.each([
    [[0, 9, 9], 2, false],
    [[1.9, 0, 0], 2, false],
    [[2, 0, 0], 2, true],
    [[7, 0, 0], 8, false],
    [[], 1, false],
  ])('with a load of %j on %d processors: %s', (load, processorCount, expected) => {
    expect(isBusy(load, processorCount)).toBe(expected);
  });
});

const MACHINE: Machine = { processor: 'Some CPU', processorCount: 4, library: '1' };
const NAME = localProfileName(MACHINE);

/** A model with its own clock, on a machine that is quiet by default. */
function timed(msOf: (forward: TimedForward) => number = () => 10) {
  const model = new TimedModel({ msOf });
  const clock = { nowMs: () => model.nowMs };
  return { model, options: { home, machine: MACHINE, clock, isBusy: () => false } };
}

const kept = (name = NAME): Promise<MeasuredProfile> =>
  profileStore({ home }).remembered(name, MACHINE);

/** Stores costs as if they had been measured. */
async function remember(changes: Partial<MeasuredProfile>, name = NAME): Promise<void> {
  await profileStore({ home }).save({ ...PROFILE, name, machine: MACHINE, ...changes });
}

/** Fewer threads are slower; with all four the machine is overcrowded. */
const byThreads = ({ threadCount }: TimedForward): number =>
  threadCount === 4 ? 30 : 20 / threadCount;
/** Every third forward of a shape takes less. */
const uneven = ({ n }: TimedForward): number => (n % 3 === 1 ? 10 : 15);

describe('the number of threads', () => {
  const threads = (threadCount: number, weightBytes = 1000) => ({
    ...{ model: 'timed', weightBytes, threadCount },
    measured: [{ threadCount, ms: 1 }],
  });

  it('is measured if it is unknown, and kept', async () => {
    await remember({ threads: [] });
    const { model, options } = timed(byThreads);
    await useBestThreads(model, options);
    expect(model.threadCount).toBe(2);
    const expected = { model: 'timed', weightBytes: 1000, threadCount: 2 };
    expect((await kept()).threads).toMatchObject([expected]);
  });

  it('is the remembered number, without a single forward', async () => {
    await remember({ threads: [threads(3, 999), threads(4)] });
    const { model, options } = timed(byThreads);
    await useBestThreads(model, options);
    expect([model.threadCount, model.forwards]).toEqual([4, []]);
  });

  it('is the number that the user sets', async () => {
    await remember({ threads: [threads(4)] });
    const { model, options } = timed(byThreads);
    await useBestThreads(model, { ...options, threadCount: 1 });
    expect([model.threadCounts, model.forwards]).toEqual([[], []]);
  });

  it('is chosen on a busy machine too, and not kept', async () => {
    await remember({ threads: [] });
    const busy = timed(byThreads);
    await useBestThreads(busy.model, { ...busy.options, isBusy: () => true });
    expect(busy.model.threadCount).toBe(2);
    const noisy = timed(({ n }) => (n % 8 === 1 ? 10 : 20));
    await useBestThreads(noisy.model, noisy.options);
    expect((await kept()).threads).toEqual([]);
  });
});

describe('what forwards cost', () => {
  it('are measured quickly if they are unknown, and kept', async () => {
    const { model, options } = timed();
    const { costs, isQuiet } = await localModelCosts(model, options);
    expect(costs).toMatchObject({ model: 'timed', isQuick: true, threadCount: 1, spread: 0 });
    expect(isQuiet).toBe(true);
    expect((await kept()).models).toEqual([costs]);
    const forwardCount = model.forwards.length;
    expect(await localModelCosts(model, options)).toEqual({ costs, isQuiet: true });
    expect(model.forwards).toHaveLength(forwardCount);
  });

  it.each([
    ['forwards lie apart', uneven, false],
    ['other programs want all processors', () => 10, true],
    // A pass takes longer than the budget, so there is only one.
    ['forwards of a slow model lie apart', (f: TimedForward) => 20 * uneven(f), false],
  ] as const)('are not kept if %s', async (_why, msOf, busy) => {
    const { model, options } = timed(msOf);
    const { costs, isQuiet } = await localModelCosts(model, { ...options, isBusy: () => busy });
    expect(costs.decode[0]).toMatchObject({ rowCount: 1 });
    expect(isQuiet).toBe(false);
    expect(await readdir(home)).toEqual([]);
  });

  it('are kept for a slow model whose forwards take equal times', async () => {
    const { model, options } = timed(({ rowCount }) => 100 * rowCount);
    const { costs } = await localModelCosts(model, options);
    expect((await kept()).models).toEqual([costs]);
  });

  it('are the remembered costs of the same file and number of threads', async () => {
    const remembered = async (changes: object): Promise<boolean> => {
      await remember({ models: [{ ...TIMED, threadCount: 1, spread: 0.125, ...changes }] });
      const { model, options } = timed();
      return (await localModelCosts(model, options)).costs.spread === 0.125;
    };
    expect(await remembered({})).toBe(true);
    expect(await remembered({ weightBytes: 1001 })).toBe(false);
    expect(await remembered({ threadCount: 7 })).toBe(false);
    expect(await remembered({ model: 'other' })).toBe(false);
  });

  it('are remembered for several files of one name', async () => {
    const other = { ...TIMED, weightBytes: 1001 };
    await remember({ models: [other] });
    const { model, options } = timed();
    const { costs } = await localModelCosts(model, options);
    expect((await kept()).models).toEqual([other, costs]);
  });

  it('are not replaced by a quick measurement after a thorough one', async () => {
    const full = { ...TIMED, threadCount: 7 };
    await remember({ models: [full] });
    const { model, options } = timed();
    await localModelCosts(model, options);
    expect((await kept()).models).toEqual([full]);
    await remember({ models: [{ ...full, isQuick: true }] });
    const { costs } = await localModelCosts(model, options);
    expect((await kept()).models).toEqual([costs]);
  });

  it('are kept apart for a number of threads that the user set', async () => {
    const { model, options } = timed();
    const { costs } = await localModelCosts(model, { ...options, threadCount: 1 });
    expect(await readdir(join(home, 'profiles'))).toEqual([`${NAME}-1t.json`]);
    expect((await kept(`${NAME}-1t`)).models).toEqual([costs]);
  });
});
