import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROFILE, TIMED } from './cost/fakes/timed-profile.ts';
import type { MeasuredModel, MeasuredThreads } from './cost/machine-profile.ts';
import {
  isBusy,
  localModelCosts,
  localProfileName,
  profileStore,
  shortName,
  thisMachine,
  useBestThreads,
} from './local-profile.ts';
import { measureSteps } from './measure-steps.ts';
import { type LlamaCppModel, loadModel } from './model/llama-cpp/model.ts';
import { openEngine } from './open-engine.ts';
import { prepareAdvice } from './prepare-advice.ts';
import { writeRandomModel } from './testing/random-model.ts';

let home: string;
let path: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-home-'));
  path = join(home, 'tiny.gguf');
  await writeRandomModel(path, { seed: 9, contextLength: 2048 });
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const load = (): Promise<LlamaCppModel> => loadModel(path, { name: 'tiny', threadCount: 1 });

/** What is remembered of this machine, as if it had been measured. */
async function remember(
  model: Partial<MeasuredModel>,
  threads: readonly MeasuredThreads[] = [],
  threadCount?: number,
): Promise<void> {
  const machine = thisMachine();
  await profileStore({ home }).save({
    ...PROFILE,
    name: localProfileName(machine, threadCount),
    machine,
    models: [{ ...TIMED, model: 'tiny', ...model }],
    threads,
  });
}

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

describe('what is remembered of this machine', () => {
  it('decides the number of threads, unless the user does', async () => {
    await using model = await load();
    const { weightBytes } = model.facts;
    const most = availableParallelism();
    const measured = [{ threadCount: most, ms: 1 }];
    await remember({}, [{ model: 'tiny', weightBytes, threadCount: most, measured }]);
    await useBestThreads(model, { home, threadCount: 1 });
    expect(model.threadCount).toBe(1);
    await useBestThreads(model, { home });
    expect(model.threadCount).toBe(most);
  });

  it('is measured where it is not known', async () => {
    await using model = await load();
    await useBestThreads(model, { home });
    expect(model.threadCount).toBeGreaterThanOrEqual(1);
    const costs = await localModelCosts(model, { home });
    expect(costs).toMatchObject({ model: 'tiny', isQuick: true, threadCount: model.threadCount });
    expect(costs.decode[0]).toMatchObject({ rowCount: 1 });
  });

  it('is taken for costs of the same file and number of threads only', async () => {
    await using model = await load();
    const { weightBytes } = model.facts;
    const fits = { weightBytes, threadCount: 1, spread: 0.125 };
    await remember(fits);
    expect(await localModelCosts(model, { home })).toMatchObject({ spread: 0.125 });
    await remember({ ...fits, weightBytes: weightBytes + 1 });
    expect((await localModelCosts(model, { home })).spread).not.toBe(0.125);
    await remember({ ...fits, threadCount: 7 });
    expect((await localModelCosts(model, { home })).spread).not.toBe(0.125);
  });

  it('does not give a whole measurement up for a quick one', async () => {
    await using model = await load();
    const { weightBytes } = model.facts;
    await remember({ weightBytes, threadCount: 7 });
    await localModelCosts(model, { home });
    const machine = thisMachine();
    const { models } = await profileStore({ home }).remembered(localProfileName(machine), machine);
    expect(models).toMatchObject([{ threadCount: 7, isQuick: false }]);
  });

  it('keeps apart what was measured with a number of threads that the user set', async () => {
    await using model = await load();
    const { weightBytes } = model.facts;
    await remember({ weightBytes, threadCount: 1, spread: 0.125 }, [], 1);
    expect(await localModelCosts(model, { home, threadCount: 1 })).toMatchObject({ spread: 0.125 });
    expect((await localModelCosts(model, { home })).spread).not.toBe(0.125);
  });
});

describe('measureSteps', () => {
  it('measures, saves and says where; what was there stays', async () => {
    await remember({ model: 'other' });
    const { profile, path: saved, models } = await measureSteps({ models: [path], home });
    expect(saved).toBe(join(home, 'profiles', `${localProfileName(thisMachine())}.json`));
    expect(models.map(({ model, isQuick }) => [model, isQuick])).toEqual([['tiny', false]]);
    expect(profile.models.map(({ model }) => model)).toEqual(['other', 'tiny']);
    expect(await profileStore({ home }).find(profile.name)).toEqual(profile);
  });

  it('measures with the threads that the user set, under the name that the user gave', async () => {
    const { profile } = await measureSteps({
      models: [path],
      home,
      threadCount: 1,
      profile: 'one',
    });
    expect(profile).toMatchObject({ name: 'one', threads: [], models: [{ threadCount: 1 }] });
    expect(await readdir(join(home, 'profiles'))).toEqual(['one.json']);
  });

  it('refuses a name that cannot be before it looks for a model', async () => {
    const measuring = measureSteps({ models: ['nope'], home, profile: '../x' });
    await expect(measuring).rejects.toMatchObject({ code: 'option-invalid' });
  });
});

describe('openEngine', () => {
  it('computes with the number of threads that was measured', async () => {
    await using engine = await openEngine({ small: path, strategies: ['small'], home });
    const events = [];
    for await (const event of engine.generate({ prompt: 'Hi', strategy: 'small', maxTokens: 3 })) {
      events.push(event.type);
    }
    expect(events.at(-1)).toBe('summary');
  });
});

describe('prepareAdvice', () => {
  it('measures costs and tries strategies out where nothing is known', async () => {
    const other = join(home, 'larger.gguf');
    await writeRandomModel(other, { seed: 10, contextLength: 2048, layerCount: 4 });
    const inputs = await prepareAdvice({ small: path, large: other, home, triesOut: true });
    expect(inputs.models).toMatchObject({ small: { name: 'tiny' }, large: { name: 'larger' } });
    expect(inputs.models.large.kvBytesPerToken).toBe(2 * inputs.models.small.kvBytesPerToken);
    expect(inputs.profile).toMatchObject({ kind: 'measured' });
    expect(inputs.remoteProfile).toBe(inputs.profile);
    const { shares, acceptance, lookupAcceptance } = inputs.behaviour ?? {};
    expect(Object.keys(shares ?? {}).sort()).toEqual(['entropy', 'margin']);
    for (const share of [...Object.values(shares ?? {}), acceptance, lookupAcceptance]) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
  });

  it('measures nothing where everything is given', async () => {
    const inputs = await prepareAdvice({
      small: path,
      large: path,
      home,
      profile: 'h100-sxm',
      remoteProfile: 'rtx-4090',
      triesOut: false,
    });
    expect(inputs).toMatchObject({
      profile: { name: 'h100-sxm' },
      remoteProfile: { name: 'rtx-4090' },
      behaviour: null,
    });
    expect(await readdir(home)).toEqual(['tiny.gguf']);
  });

  it('finds a misspelt profile before it looks for a model', async () => {
    const preparing = prepareAdvice({ small: 'nope', home, profile: 'nope', triesOut: true });
    await expect(preparing).rejects.toMatchObject({ code: 'profile-unknown' });
  });
});
