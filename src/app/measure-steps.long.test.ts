import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROFILE, TIMED } from '../machines/fakes/timed-profile.ts';
import { KNOWN_MACHINES } from '../machines/known-machines.ts';
import { writeRandomModel } from '../testing/random-model.ts';
import { localProfileName, profileStore, thisMachine } from './machine/local-profile.ts';
import { type MeasureStepsOptions, measureSteps } from './measure-steps.ts';

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

const OWN = { ...PROFILE, machine: thisMachine(), threads: [] };

describe('measureSteps', () => {
  it('measures, saves and returns the path; earlier costs are kept', async () => {
    const name = localProfileName(thisMachine());
    await profileStore({ home }).save({ ...OWN, name, models: [{ ...TIMED, model: 'other' }] });
    const { profile, path: saved, models } = await measureSteps({ models: [path], home });
    expect(saved).toBe(join(home, 'profiles', `${name}.json`));
    expect(models.map(({ model, isQuick }) => [model, isQuick])).toEqual([['tiny', false]]);
    expect(profile.models.map(({ model }) => model)).toEqual(['other', 'tiny']);
    expect(await profileStore({ home }).find(profile.name)).toEqual(profile);
  });

  it('measures with the threads that the user set, under the name that the user gave', async () => {
    await profileStore({ home }).save({ ...OWN, name: 'one' });
    const { profile } = await measureSteps({
      models: [path],
      home,
      threadCount: 1,
      profile: 'one',
    });
    expect(profile).toMatchObject({
      ...{ name: 'one', threads: [] },
      models: [{ model: 'timed' }, { model: 'tiny', threadCount: 1 }],
    });
    expect(await readdir(join(home, 'profiles'))).toEqual(['one.json']);
  });

  it('measures a model of a short context', async () => {
    const short = join(home, 'short.gguf');
    await writeRandomModel(short, { seed: 9, contextLength: 512 });
    const { models } = await measureSteps({ models: [short], home, threadCount: 1 });
    expect(models[0]?.prefill.at(-1)).toMatchObject({ rowCount: 256 });
    expect(models[0]?.attention).toHaveLength(3);
  });

  it('keeps two files of one name apart', async () => {
    const { dir, file } = { dir: await mkdtemp(join(home, 'other-')), file: 'tiny.gguf' };
    await writeRandomModel(join(dir, file), { seed: 9, contextLength: 512, layerCount: 4 });
    const { profile } = await measureSteps({
      models: [path, join(dir, file)],
      home,
      threadCount: 1,
    });
    expect(profile.models.map(({ model }) => model)).toEqual(['tiny', 'tiny']);
    expect(new Set(profile.models.map(({ weightBytes }) => weightBytes)).size).toBe(2);
  });
});

describe('the models', () => {
  const measured = (options: MeasureStepsOptions) =>
    measureSteps({ home, offline: true, ...options });

  it('are those of the default pair, or of the named pair', async () => {
    await expect(measured({})).rejects.toMatchObject({
      fields: { model: 'qwen2.5-coder-0.5b-instruct' },
    });
    await expect(measured({ pair: 'nope' })).rejects.toMatchObject({ code: 'pair-unknown' });
  });

  it('are each measured once, however often they are named', async () => {
    const { models } = await measured({ models: [path, path], threadCount: 1 });
    expect(models).toHaveLength(1);
  });
});

describe('a name of its own', () => {
  const stored = async (): Promise<string> =>
    await readFile(join(home, 'profiles', 'box.json'), 'utf8');

  it.each([
    ['another machine', { ...PROFILE }],
    ['another library', { ...OWN, machine: { ...thisMachine(), library: '0' } }],
    ['a data sheet', { ...KNOWN_MACHINES[0], name: 'box' }],
  ] as const)('does not destroy the profile of %s', async (_what, other) => {
    await profileStore({ home }).save(other as typeof PROFILE);
    const before = await stored();
    // Refused before a model is searched for: there is none of this name.
    const measuring = measureSteps({ models: ['nope'], home, profile: 'box' });
    await expect(measuring).rejects.toMatchObject({
      code: 'option-invalid',
      message: expect.stringContaining('it is not overwritten'),
      remedy: expect.stringContaining('another name'),
    });
    expect(await stored()).toBe(before);
  });

  it('does not destroy a file that it cannot read', async () => {
    await profileStore({ home }).save({ ...OWN, name: 'box' });
    await writeFile(join(home, 'profiles', 'box.json'), '{ "half": ');
    const measuring = measureSteps({ models: ['nope'], home, profile: 'box' });
    await expect(measuring).rejects.toMatchObject({ code: 'profile-invalid' });
  });

  it.each(['../x', KNOWN_MACHINES[0]?.name ?? ''])('cannot be %s', async (profile) => {
    const measuring = measureSteps({ models: ['nope'], home, profile });
    await expect(measuring).rejects.toMatchObject({ code: 'option-invalid' });
  });
});

describe('several models', () => {
  it.each([
    ['an unknown name', 'nope', 'model-unknown'],
    ['a missing file', 'nope.gguf', 'model-file-missing'],
  ])('are all found before one is measured: not %s', async (_what, second, code) => {
    const seen: string[] = [];
    const measuring = measureSteps({
      models: [path, join(second)],
      home,
      onProgress: ({ label }) => seen.push(label),
    });
    await expect(measuring).rejects.toMatchObject({ code });
    expect(seen).toEqual([]);
    expect(await readdir(home)).toEqual(['tiny.gguf']);
  });
});
