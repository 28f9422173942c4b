import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROFILE, TIMED } from '../../machines/fakes/timed-profile.ts';
import { profileCosts } from '../../machines/profile-costs.ts';
import { readModelFile } from '../../model/llama-cpp/model-file.ts';
import { writeRandomModel } from '../../testing/random-model.ts';
import { localProfileName, profileStore, thisMachine } from '../machine/local-profile.ts';
import { TRIED_METHODS } from './measure-acceptance.ts';
import { prepareAdvice } from './prepare-advice.ts';

let home: string;
let path: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-home-'));
  path = join(home, 'tiny.gguf');
  await writeRandomModel(path, { seed: 9, contextLength: 512 });
});

/** Statistics that make a try-out needless. */
const ASSUMED = { share: 0.2, acceptance: 0.7 };

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

describe('prepareAdvice', () => {
  it('measures costs and tries strategies out if neither is known', async () => {
    const other = join(home, 'larger.gguf');
    await writeRandomModel(other, { seed: 10, contextLength: 512, layerCount: 4 });
    const inputs = await prepareAdvice({ small: path, large: other, home });
    expect(inputs.models).toMatchObject({ small: { name: 'tiny' }, large: { name: 'larger' } });
    expect(inputs.models.large.kvBytesPerToken).toBe(2 * inputs.models.small.kvBytesPerToken);
    expect(inputs.profile).toMatchObject({ kind: 'measured' });
    expect(inputs.remoteProfile).toBe(inputs.profile);
    expect(inputs.roundTripMs).toBeNull();
    const { shares, acceptance, lookup } = inputs.statistics ?? {};
    const tried = TRIED_METHODS.map(({ name }) => name);
    expect(Object.keys(shares ?? {})).toEqual(tried);
    const all = [...Object.values(shares ?? {}), acceptance, ...Object.values(lookup ?? {})];
    expect(all).toHaveLength(tried.length + 3);
    for (const share of all) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
  });

  it('accepts every draft of a model that drafts for itself', async () => {
    const inputs = await prepareAdvice({ small: path, large: path, home });
    expect(inputs.statistics?.acceptance).toBe(1);
  });

  it('tells two files of one name apart', async () => {
    const folder = await mkdtemp(join(home, 'other-'));
    const other = join(folder, 'tiny.gguf');
    await writeRandomModel(other, { seed: 9, contextLength: 512, layerCount: 4 });
    const { models, profile } = await prepareAdvice({
      ...{ small: path, large: other, home, ...ASSUMED },
    });
    for (const model of [models.small, models.large]) {
      expect(() => profileCosts(profile, model)).not.toThrow();
    }
  });

  it('reports that the machine was busy during the measurement', async () => {
    const notices: string[] = [];
    const ask = async (): Promise<unknown> =>
      await prepareAdvice({
        ...{ small: path, large: path, home, ...ASSUMED, threadCount: 1 },
        isBusy: () => true,
        onNotice: (notice) => notices.push(notice),
      });
    await ask();
    expect(notices).toEqual([
      expect.stringContaining('other work while costs of tiny were measured'),
    ]);
    const { weightBytes } = await readModelFile(path);
    const machine = thisMachine();
    await profileStore({ home }).save({
      ...{ ...PROFILE, name: localProfileName(machine, 1), machine },
      models: [{ ...TIMED, model: 'tiny', weightBytes }],
    });
    await ask();
    expect(notices).toHaveLength(1);
  });

  it('measures nothing if all values are given', async () => {
    const inputs = await prepareAdvice({
      small: path,
      large: path,
      home,
      profile: 'h100-sxm',
      remoteProfile: 'rtx-4090',
      roundTripMs: 20,
      ...ASSUMED,
    });
    expect(inputs).toMatchObject({
      profile: { name: 'h100-sxm' },
      remoteProfile: { name: 'rtx-4090' },
      roundTripMs: 20,
      statistics: null,
    });
    expect(await readdir(home)).toEqual(['tiny.gguf']);
  });
});

describe('the round trip', () => {
  const KNOWN = { profile: 'h100-sxm', ...ASSUMED };

  it("is the given one, else the remote profile's, else the profile's", async () => {
    const { weightBytes } = await readModelFile(path);
    const models = [{ ...TIMED, model: 'tiny', weightBytes }];
    await profileStore({ home }).save({ ...PROFILE, name: 'near', models, roundTripMs: 5 });
    await profileStore({ home }).save({ ...PROFILE, name: 'far', models, roundTripMs: 50 });
    const roundTrip = async (options: object): Promise<number | null> =>
      (await prepareAdvice({ small: path, large: path, home, ...KNOWN, ...options })).roundTripMs;
    expect(await roundTrip({})).toBeNull();
    expect(await roundTrip({ profile: 'near' })).toBe(5);
    expect(await roundTrip({ profile: 'near', remoteProfile: 'far' })).toBe(50);
    expect(await roundTrip({ profile: 'near', remoteProfile: 'rtx-4090' })).toBe(5);
    expect(await roundTrip({ remoteProfile: 'far', roundTripMs: 0 })).toBe(0);
  });

  it('is required if a remote machine is named and its round trip is unknown', async () => {
    const preparing = prepareAdvice({
      ...{ small: 'nope', home, ...KNOWN },
      remoteProfile: 'rtx-4090',
    });
    await expect(preparing).rejects.toMatchObject({
      code: 'option-invalid',
      remedy: expect.stringContaining('--round-trip'),
    });
  });
});

describe('what is missing', () => {
  it('is a misspelt profile, found before a model is looked for', async () => {
    const preparing = prepareAdvice({ small: 'nope', home, profile: 'nope' });
    await expect(preparing).rejects.toMatchObject({ code: 'profile-unknown' });
  });

  it('is a misspelt model, found before the other one is pulled', async () => {
    const preparing = prepareAdvice({
      ...{ small: 'qwen2.5-coder-0.5b-instruct', large: 'nope', home },
      offline: true,
    });
    await expect(preparing).rejects.toMatchObject({ code: 'model-unknown' });
  });

  it.each([
    ['profile', {}],
    ['remoteProfile', { profile: 'h100-sxm', roundTripMs: 1 }],
  ])('is a model of the %s, found before its file is looked for', async (option, more) => {
    await profileStore({ home }).save({ ...PROFILE, models: [{ ...TIMED, model: 'small' }] });
    const preparing = prepareAdvice({
      ...{ small: join(home, 'small.gguf'), large: join(home, 'huge.gguf'), home },
      ...{ ...more, [option]: 'box' },
    });
    await expect(preparing).rejects.toMatchObject({
      code: 'profile-incomplete',
      message: 'The profile box has costs of small, not of huge.',
      remedy: expect.stringContaining(`--profile box --model ${join(home, 'huge.gguf')}`),
    });
  });

  it('is another file of the same name, found before anything is tried out', async () => {
    await profileStore({ home }).save({ ...PROFILE, models: [{ ...TIMED, model: 'tiny' }] });
    const labels: string[] = [];
    const preparing = prepareAdvice({
      ...{ small: path, large: path, home, profile: 'box' },
      onProgress: ({ label }) => labels.push(label),
    });
    await expect(preparing).rejects.toMatchObject({
      code: 'profile-incomplete',
      message: 'The profile box has costs of another file called tiny, not of this one.',
    });
    expect(labels).toEqual([]);
  });
});
