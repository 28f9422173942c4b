import { existsSync } from 'node:fs';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { readGiven, readJson, readWhole, writeWhole } from './whole-file.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-whole-'));
  path = join(folder, 'deep', 'file.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a file that is written whole', () => {
  it('replaces an older file, and leaves nothing beside it', async () => {
    expect(await readWhole(path)).toBeNull();
    await writeWhole(path, 'first');
    await writeWhole(path, Buffer.from('second'));
    expect(String(await readWhole(path))).toBe('second');
    expect(await readdir(join(folder, 'deep'))).toEqual(['file.json']);
  });

  it('is the file of exactly one of several concurrent writers', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(50_000));
    await Promise.all(texts.map((text) => writeWhole(path, text)));
    expect(texts).toContain(await readFile(path, 'utf8'));
    expect(await readdir(join(folder, 'deep'))).toEqual(['file.json']);
  });

  it.runIf(existsSync('/dev/full'))(
    'leaves a device where it is, and says that it is full',
    async () => {
      // Links, so that a fault of this code costs no device.
      const [nothing, full] = [join(folder, 'null'), join(folder, 'full')];
      await symlink('/dev/null', nothing);
      await symlink('/dev/full', full);
      await writeWhole(nothing, 'text');
      await expect(writeWhole(full, 'text')).rejects.toMatchObject({ code: 'disk-full' });
      for (const link of [nothing, full]) expect((await lstat(link)).isSymbolicLink()).toBe(true);
      expect((await readdir(folder)).sort()).toEqual(['full', 'null']);
    },
  );

  it('leaves the older file and no draft where it cannot be written', async () => {
    // A folder in the place of the file stops every user, root included.
    await mkdir(join(path, 'full'), { recursive: true });
    await expect(writeWhole(path, 'text', 'pray')).rejects.toMatchObject({
      code: 'file-system-failed',
      message: expect.stringContaining(`Could not write ${path}`),
      remedy: 'Check the path and its permissions, or pray.',
    });
    expect(await readdir(join(folder, 'deep'))).toEqual(['file.json']);
    await expect(readWhole(path)).rejects.toMatchObject({ fields: { path, errno: 'EISDIR' } });
    await writeFile(join(folder, 'file'), '');
    const inFile = join(folder, 'file', 'x');
    const refusal = { code: 'file-system-failed' };
    await expect(writeWhole(inFile, 'text')).rejects.toMatchObject(refusal);
    await expect(readWhole(inFile)).rejects.toMatchObject(refusal);
  });
});

it('JSON is read where it fits its schema, and null otherwise', async () => {
  const schema = z.object({ a: z.number() });
  expect(await readJson(path, schema)).toBeNull();
  for (const [text, value] of [
    ['{"a":1,"b":2}', { a: 1 }],
    ['{"a":"1"}', null],
    ['{"a":', null],
    ['', null],
  ] as const) {
    await writeWhole(path, text);
    expect(await readJson(path, schema)).toEqual(value);
  }
});

describe('a file that the user named', () => {
  const refusal = (why: string) => new PilotfishError('data-invalid', why);
  const given = () => ({
    path,
    byteCountMax: 10,
    tooLarge: (byteCount: number) => refusal(`${byteCount} bytes`),
  });

  it('is read up to its limit', async () => {
    await writeWhole(path, '0123456789');
    expect(String(await readGiven(given()))).toBe('0123456789');
    await truncate(path, 2 ** 40);
    await expect(readGiven(given())).rejects.toThrow(`${2 ** 40} bytes`);
  });

  it('is refused with the error of the caller, or with that of the system', async () => {
    await expect(readGiven(given())).rejects.toMatchObject({
      code: 'file-system-failed',
      message: `Could not read ${path}: there is no such file or folder (ENOENT).`,
    });
    const missing = () => refusal('not there');
    await expect(readGiven({ ...given(), missing })).rejects.toThrow('not there');
    await mkdir(path, { recursive: true });
    const inWords = { ...given(), byteCountMax: 1e6 };
    await expect(readGiven({ ...inWords, code: 'head-missing' })).rejects.toMatchObject({
      code: 'head-missing',
    });
    const notAFile = () => refusal('a folder');
    await expect(readGiven({ ...inWords, notAFile })).rejects.toThrow('a folder');
  });

  it.skipIf(!existsSync('/dev/null'))('may be a device, unless the caller says no', async () => {
    const device = { ...given(), path: '/dev/null' };
    expect(await readGiven(device)).toHaveLength(0);
    const notAFile = () => refusal('a device');
    await expect(readGiven({ ...device, notAFile })).rejects.toThrow('a device');
  });
});
