/** Models in several files: the facts of all parts, and the refusals of parts that are not there. */
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findModel } from '../../catalog/find-model.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenId, tokenIds } from '../../core/token-id.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import { writeRandomModel } from '../../testing/random-model.ts';
import { estimateMemory } from './memory-estimate.ts';
import { type LlamaCppModel, loadModel } from './model.ts';
import { readModelFile } from './model-file.ts';

const SMALL = { contextLength: 64, rowCountMax: 16, threadCount: 1 };
const PART_COUNT = 3;

let folder: string;
let whole: string;
let first: string;
const partAt = (place: number): string => first.replace('00001', `0000${place}`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-split-'));
  whole = join(folder, 'whole.gguf');
  first = join(folder, 'split-00001-of-00003.gguf');
  await writeRandomModel(whole, { seed: 3, contextLength: 512 });
  await writeRandomModel(first, { seed: 3, contextLength: 512, partCount: PART_COUNT });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('has the facts of the model in one file', async () => {
  const expected = await readModelFile(whole);
  const found = await readModelFile(first);
  const { path, byteCount, tokenEmbeddings, ...facts } = found;
  expect(path).toBe(first);
  expect(expected).toMatchObject(facts);
  expect(found.weightBytes).toBeGreaterThan(0);
  // Only the headers of the other parts are extra.
  expect(byteCount).toBeGreaterThan(expected.byteCount);
  expect(byteCount).toBeLessThan(expected.byteCount + 4096);
  expect(tokenEmbeddings).toMatchObject({ path: first, rowCount: facts.vocabularySize });
  const shape = { cellCount: 64, rowCountMax: 16 };
  const { weightBytes, ...memory } = estimateMemory(found, shape);
  expect(weightBytes).toBe(byteCount);
  expect(memory.kvBytes).toBe(estimateMemory(expected, shape).kvBytes);
});

it('runs like the model in one file, and has the same embeddings and cost facts', async () => {
  const runOf = async (model: LlamaCppModel) => {
    await using sequence = model.openSequence();
    const { rows } = await sequence.forward({
      tokens: tokenIds([65, 66, 67]),
      outputFrom: 0,
      program: {
        ...{ vocabularySize: model.vocabulary.size, sampling: GREEDY, seed: 0 },
        ...{ purpose: 'sample', hidden: true },
      },
    });
    return rows;
  };
  await using one = await loadModel(whole, SMALL);
  await using parts = await loadModel(first, SMALL);
  expect(await runOf(parts)).toEqual(await runOf(one));
  expect(parts.facts).toEqual({ ...one.facts, name: parts.facts.name });
  expect(parts.tokenEmbedding(tokenId(65))).toEqual(one.tokenEmbedding(tokenId(65)));
});

it.each([2, 3])('refuses part %i in the place of the first, and names the first', async (place) => {
  const expected = {
    code: 'model-file-invalid',
    message: expect.stringContaining(`0000${place}-of-00003.gguf`),
    remedy: expect.stringContaining(first),
  };
  await expect(readModelFile(partAt(place))).rejects.toMatchObject(expected);
  await expect(loadModel(partAt(place), SMALL)).rejects.toMatchObject(expected);
  await expect(findModel(partAt(place))).rejects.toMatchObject(expected);
});

it('refuses a model without one of its parts, and names the part', async () => {
  const other = join(folder, 'incomplete');
  await mkdir(other);
  const path = join(other, 'split-00001-of-00003.gguf');
  await cp(first, path);
  await cp(partAt(3), join(other, 'split-00003-of-00003.gguf'));
  const expected = {
    code: 'model-file-missing',
    message: expect.stringContaining(join(other, 'split-00002-of-00003.gguf')),
    remedy: expect.stringContaining('all parts'),
  };
  await expect(readModelFile(path)).rejects.toMatchObject(expected);
  await expect(loadModel(path, SMALL)).rejects.toMatchObject(expected);
  await expect(findModel(path)).rejects.toMatchObject(expected);
  await expect(fileDigest(path, 'Hashing')).rejects.toMatchObject(expected);
});

it.each([
  ['a part under a name of its own', 'renamed.gguf', 1],
  ['a part in the place of another', 'other-00001-of-00003.gguf', 2],
])('refuses %s', async (_, name, place) => {
  const other = join(folder, `names-${place}`);
  await mkdir(other);
  for (const part of [2, 3]) {
    await copyFile(partAt(part), join(other, `other-0000${part}-of-00003.gguf`));
  }
  await copyFile(partAt(place), join(other, name));
  await expect(readModelFile(join(other, name))).rejects.toMatchObject({
    code: 'model-file-invalid',
    message: expect.stringContaining(`part ${place} of 3`),
    remedy: expect.stringContaining('00001-of-00003.gguf'),
  });
});

it('refuses a part that was cut off, by its name', async () => {
  const other = join(folder, 'cut');
  await mkdir(other);
  for (const place of [1, 3]) {
    await copyFile(partAt(place), join(other, `m-0000${place}-of-00003.gguf`));
  }
  const cut = join(other, 'm-00002-of-00003.gguf');
  await writeFile(cut, 'GGUF');
  await expect(readModelFile(join(other, 'm-00001-of-00003.gguf'))).rejects.toMatchObject({
    code: 'model-file-truncated',
    message: expect.stringContaining(cut),
  });
});

it('has a digest of all parts: another last part makes another model', async () => {
  const digest = await fileDigest(first, 'Hashing');
  const other = join(folder, 'digest');
  await mkdir(other);
  const path = join(other, 'split-00001-of-00003.gguf');
  for (const place of [1, 2, 3]) {
    await copyFile(partAt(place), path.replace('00001', `0000${place}`));
  }
  expect(await fileDigest(path, 'Hashing')).toBe(digest);
  await writeFile(path.replace('00001', '00003'), 'another');
  expect(await fileDigest(path, 'Hashing')).not.toBe(digest);
});

it('takes a file for whole if its name only looks like that of a part', async () => {
  const path = join(folder, 'one-00001-of-00001.gguf');
  await copyFile(whole, path);
  expect((await readModelFile(path)).tensorCount).toBe((await readModelFile(whole)).tensorCount);
});
