import { readFileSync } from 'node:fs';
import { mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureModel } from './ensure-model.ts';
import {
  type CatalogBench,
  catalogBench,
  failureOf,
  sha256Of,
  someBytes,
} from './fakes/catalog-bench.ts';
import { type FakeHub, startFakeHub } from './fakes/fake-hub.ts';
import { listModels } from './list-models.ts';
import { verifyModel } from './verify-model.ts';

const BYTES = someBytes(50_000);
const NAME = 'hub:me/repo/model.gguf';

let bench: CatalogBench;
let hub: FakeHub;

beforeEach(async () => {
  bench = catalogBench();
  hub = await startFakeHub();
  hub.files.set('me/repo/resolve/main/model.gguf', { bytes: BYTES });
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

function options() {
  return {
    home: bench.home,
    env: { HF_ENDPOINT: hub.url, HOME: bench.root },
    onNotice: (message: string) => void bench.notices.push(message),
  };
}

/** Flips one bit and restores the times, like a failing disk. */
async function damage(path: string): Promise<void> {
  const { atime, mtime } = await stat(path);
  const bytes = readFileSync(path);
  bytes[123] = (bytes[123] ?? 0) ^ 1;
  await writeFile(path, bytes);
  await utimes(path, atime, mtime);
}

describe('verifyModel', () => {
  it('hashes a whole model again and accepts it', async () => {
    const { path } = await ensureModel(NAME, options());
    const verified = await verifyModel(NAME, options());
    expect(verified).toEqual({ name: NAME, path, source: 'cache', sha256: sha256Of(BYTES) });
  });

  it('finds a flipped bit behind an unchanged size and time, and pulling repairs the file', async () => {
    const { path } = await ensureModel(NAME, options());
    // File systems keep finer times than `utimes` sets.
    await utimes(path, new Date(), new Date(1_700_000_000_000));
    await verifyModel(NAME, options());
    await damage(path);
    // The change shows only in the bytes.
    expect((await ensureModel(NAME, options())).source).toBe('cache');

    const error = await failureOf(verifyModel(NAME, options()));
    expect(error.code).toBe('digest-mismatch');
    expect(error.message).toContain(sha256Of(BYTES));
    expect(error.remedy).toContain(`models pull ${NAME}`);
    expect((await listModels(options())).at(-1)).toMatchObject({ name: NAME, isVerified: false });

    expect((await ensureModel(NAME, options())).source).toBe('hub');
    expect(readFileSync(path).equals(BYTES)).toBe(true);
    await verifyModel(NAME, options());
  });

  it('hashes a file given by its path', async () => {
    const path = join(bench.root, 'mine.gguf');
    await writeFile(path, BYTES);
    const verified = await verifyModel(path, options());
    expect(verified).toEqual({ name: path, path, source: 'path', sha256: sha256Of(BYTES) });
  });

  it('tells how to get a missing model', async () => {
    const error = await failureOf(verifyModel(NAME, options()));
    expect(error.code).toBe('model-file-missing');
    expect(error.remedy).toContain('models pull');
  });

  it('can be cancelled', async () => {
    await ensureModel(NAME, options());
    const signal = AbortSignal.abort();
    expect((await failureOf(verifyModel(NAME, { ...options(), signal }))).code).toBe('aborted');
  });
});

describe('listModels', () => {
  const byName = async (name: string) =>
    (await listModels(options())).find((model) => model.name === name);

  it('shows known models as absent where there is no folder at all', async () => {
    const all = await listModels(options());
    const models = all.filter(({ source }) => source !== 'package');
    expect(models).toHaveLength(4);
    expect(new Set(models.map(({ state }) => state))).toEqual(new Set(['absent']));
    expect(all.slice(4).map(({ state }) => state)).toEqual(Array(4).fill('present'));
    expect(models[0]).toMatchObject({
      name: 'qwen2.5-coder-0.5b-instruct',
      path: null,
      source: null,
      bytes: 491_400_064,
      bytesOnDisk: 0,
    });
  });

  it('shows pulled models with their source, under the names they were pulled by', async () => {
    const { path } = await ensureModel(NAME, options());
    expect(await byName(NAME)).toEqual({
      name: NAME,
      state: 'present',
      source: 'hub',
      path,
      bytes: BYTES.byteLength,
      bytesOnDisk: BYTES.byteLength,
      isVerified: true,
      card: null,
    });
  });

  it('shows an interrupted pull', async () => {
    const partial = join(bench.home, 'models/hub/me/repo@main/model.gguf.partial');
    await mkdir(dirname(partial), { recursive: true });
    await writeFile(partial, BYTES.subarray(0, 20_000));
    expect(await byName(NAME)).toEqual({
      name: NAME,
      state: 'partial',
      source: null,
      path: partial,
      bytes: null,
      bytesOnDisk: 20_000,
      isVerified: false,
      card: null,
    });
  });

  it('shows a known model found by its file name, and stray files by their path', async () => {
    const known = join(bench.home, 'models/SmolLM2-135M-Instruct.Q4_1.gguf');
    const stray = join(bench.home, 'models/mine/other.gguf');
    for (const path of [known, stray]) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, 'GGUF');
    }
    expect(await byName('smollm2-135m-instruct')).toMatchObject({
      state: 'present',
      source: 'cache',
      bytes: 4,
      isVerified: false,
    });
    expect(await byName(stray)).toMatchObject({ state: 'present', card: null });
    expect(await listModels(options())).toHaveLength(9);
  });
});
