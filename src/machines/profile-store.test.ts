import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROFILE, TIMED } from './fakes/timed-profile.ts';
import { KNOWN_MACHINES } from './known-machines.ts';
import { type Machine, withModel, withThreads } from './machine-profile.ts';
import { ProfileStore } from './profile-store.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-profiles-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const store = (): ProfileStore => new ProfileStore(folder);

describe('finding a profile', () => {
  it('returns the profile that was saved, also over an older one or in a new folder', async () => {
    const deep = new ProfileStore(join(folder, 'a', 'b'));
    await deep.save({ ...PROFILE, models: [] });
    const path = await deep.save(PROFILE);
    expect(await deep.find('box')).toEqual(PROFILE);
    expect(await store().find(path)).toEqual(PROFILE);
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['box.json']);
  });

  it('knows machines by data sheet, but prefers a stored profile', async () => {
    const [known] = KNOWN_MACHINES;
    expect(await store().find(known?.name ?? '')).toEqual(known);
    await store().save({ ...PROFILE, name: known?.name ?? '' });
    expect(await store().find(known?.name ?? '')).toMatchObject({ kind: 'measured' });
  });

  it('lists the known profiles if it finds none', async () => {
    await store().save(PROFILE);
    await expect(store().find('nope')).rejects.toMatchObject({
      code: 'profile-unknown',
      remedy: expect.stringContaining(`Choose one of box, ${KNOWN_MACHINES[0]?.name}`),
    });
    await expect(store().find('./nope.json')).rejects.toMatchObject({ code: 'profile-unknown' });
  });

  it.each(['', '.', '..', '../box', 'a/b', 'a b', '-box', 'é', 'x'.repeat(101)])(
    'refuses the name "%s"',
    async (name) => {
      await expect(store().find(name)).rejects.toMatchObject({ code: 'option-invalid' });
      await expect(store().save({ ...PROFILE, name })).rejects.toMatchObject({
        code: 'option-invalid',
      });
    },
  );

  it.each([
    ['', 'it is not JSON'],
    ['{', 'it is not JSON'],
    ['null', 'expected object'],
    ['{"format":"pilotfish-profile"}', 'at kind'],
    [JSON.stringify({ ...PROFILE, version: 2 }), 'is of version 2, and this program reads 1.'],
    [JSON.stringify({ ...PROFILE, models: [{ ...TIMED, decode: [] }] }), 'at models.0.decode'],
    [
      JSON.stringify({ ...PROFILE, models: [{ ...TIMED, decode: [{ rowCount: 1, ms: -1 }] }] }),
      'at models.0.decode.0.ms',
    ],
    [
      JSON.stringify({
        ...PROFILE,
        models: [
          {
            ...TIMED,
            prefill: [
              { rowCount: 2, ms: 1 },
              { rowCount: 2, ms: 2 },
            ],
          },
        ],
      }),
      'rising rowCount at models.0.prefill',
    ],
  ])('names the fault of the file %s', async (text, why) => {
    await writeFile(join(folder, 'box.json'), text);
    await expect(store().find('box')).rejects.toMatchObject({
      code: 'profile-invalid',
      message: expect.stringContaining(why),
      fields: { path: join(folder, 'box.json') },
    });
  });

  it('treats a profile without a round trip as a local one', async () => {
    const { roundTripMs: _none, ...rest } = PROFILE;
    await writeFile(join(folder, 'box.json'), JSON.stringify(rest));
    expect(await store().find('box')).toEqual(PROFILE);
  });
});

describe('remembering this machine', () => {
  const { machine } = PROFILE;

  it('adds to the stored measurements', async () => {
    const other = { ...TIMED, model: 'other' };
    const newer = { ...TIMED, spread: 0.5 };
    const namesake = { ...TIMED, weightBytes: 2000 };
    for (const model of [TIMED, namesake, other, newer]) {
      await store().remember('box', machine, (profile) => withModel(profile, model));
    }
    await store().remember('box', machine, (profile) =>
      withThreads(profile, { model: 'timed', weightBytes: 1, threadCount: 1, measured: [] }),
    );
    // A file with an empty list of measured threads is invalid, so nothing is read back.
    expect((await store().remembered('box', machine)).models).toEqual([]);
    await store().save({ ...PROFILE, models: [other, newer] });
    expect(await store().remembered('box', machine)).toEqual({
      ...PROFILE,
      models: [other, newer],
    });
  });

  it.each<Partial<Machine>>([
    { processor: 'Another' },
    { processorCount: 3 },
    { library: '1.2.4' },
  ])('forgets the measurements of another machine: %j', async (change) => {
    await store().save(PROFILE);
    const elsewhere = { ...machine, ...change };
    expect(await store().remembered('box', elsewhere)).toMatchObject({
      machine: elsewhere,
      models: [],
      threads: [],
    });
    await store().remember('box', elsewhere, (profile) => withModel(profile, TIMED));
    expect(await store().remembered('box', elsewhere)).toMatchObject({ models: [TIMED] });
  });

  it('is empty after the file was damaged, and is measured again', async () => {
    await writeFile(join(folder, 'box.json'), '{');
    expect((await store().remembered('box', machine)).models).toEqual([]);
    await store().remember('box', machine, (profile) => withModel(profile, TIMED));
    expect((await store().remembered('box', machine)).models).toEqual([TIMED]);
    expect(await readFile(join(folder, 'box.json'), 'utf8')).toContain('\n  "name": "box"');
  });

  it('leaves a profile of another version as it is, with a notice', async () => {
    const path = join(folder, 'box.json');
    const later = JSON.stringify({ ...PROFILE, version: 2, more: 1 });
    await writeFile(path, later);
    const notices: string[] = [];
    const one = new ProfileStore(folder, (notice) => notices.push(notice));
    await expect(one.checkVersion('box')).rejects.toMatchObject({
      code: 'profile-invalid',
      remedy: expect.stringContaining('remove it'),
      fields: { path, version: 2 },
    });
    // Told where it is read, and not again where it would be written.
    expect((await one.remembered('box', machine)).models).toEqual([]);
    expect(notices.length).toBe(1);
    await one.remember('box', machine, (profile) => withModel(profile, TIMED));
    expect(notices).toEqual([
      `The profile ${path} is of version 2, and this program reads 1. ` +
        'It is left as it is, and this machine is measured anew.',
    ]);
    expect(await readFile(path, 'utf8')).toBe(later);
    expect((await one.remembered('box', machine)).models).toEqual([]);
    await one.checkVersion('another');
  });

  it('does not fail if the folder cannot be written, but saving does', async () => {
    // A file in place of the folder stops every user, root included.
    const blocked = join(folder, 'blocked');
    await writeFile(blocked, 'a file');
    const nowhere = new ProfileStore(blocked);
    await expect(nowhere.remember('box', machine, (profile) => profile)).resolves.toBeUndefined();
    await expect(nowhere.save(PROFILE)).rejects.toMatchObject({ code: 'file-system-failed' });
    expect(await nowhere.names()).toEqual([]);
  });

  it('treats a folder in place of the file as no profile', async () => {
    await mkdir(join(folder, 'box.json', 'in-the-way'), { recursive: true });
    expect((await store().remembered('box', machine)).models).toEqual([]);
  });
});
