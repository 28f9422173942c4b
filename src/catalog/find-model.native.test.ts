import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureModel, findModel } from './ensure-model.ts';
import {
  type CatalogBench,
  catalogBench,
  failureOf,
  packagedModel,
  referenceOf,
  sha256Of,
  someBytes,
} from './fakes/catalog-bench.ts';
import { findLocal, isPullable } from './find-model.ts';
import type { KnownModel } from './known-models.ts';
import { parseModelReference } from './model-reference.ts';

const BYTES = someBytes(10_000);
const WRONG = someBytes(10_000).reverse();
const DIGEST = sha256Of(BYTES);
const COMMIT = 'a'.repeat(40);
const MODEL: KnownModel = {
  ...packagedModel(BYTES, BYTES.byteLength),
  hub: { owner: 'me', repo: 'repo', file: 'packaged.gguf' },
};
const REFERENCE = referenceOf(MODEL);

let bench: CatalogBench;

beforeEach(() => {
  bench = catalogBench();
});

afterEach(() => bench[Symbol.asyncDispose]());

async function write(path: string, bytes: Buffer | string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/** A file as the hub's client stores it: a link to a blob that is named by its digest. */
async function hubCacheFile(folder: string, bytes: Buffer, blob = sha256Of(bytes)) {
  const repo = join(folder, 'models--me--repo');
  await write(join(repo, 'refs', 'main'), COMMIT);
  await write(join(repo, 'blobs', blob), bytes);
  const path = join(repo, 'snapshots', COMMIT, 'packaged.gguf');
  await mkdir(dirname(path), { recursive: true });
  await symlink(`../../blobs/${blob}`, path);
  return path;
}

function find(env: Record<string, string> = {}, name?: string) {
  const reference = name === undefined ? REFERENCE : parseModelReference(name);
  if (!isPullable(reference)) throw new Error('not pullable');
  return findLocal(reference, bench.context({ env }));
}

function hashCount(): number {
  return bench.progress.filter(({ label, done, total }) => /Verify/.test(label) && done === total)
    .length;
}

describe('a file given by its path', () => {
  it('is used without a check of its digest', async () => {
    const path = await write(join(bench.root, 'mine.gguf'), 'GGUF');
    const found = { name: path, path, source: 'path', sha256: null };
    expect(await findModel(path, { home: bench.home })).toEqual(found);
    expect(await ensureModel(path, { home: bench.home })).toEqual(found);
    expect(existsSync(bench.home)).toBe(false);
  });

  it('must exist', async () => {
    const path = join(bench.root, 'gone.gguf');
    for (const lookup of [findModel, ensureModel]) {
      const error = await failureOf(lookup(path, { home: bench.home }));
      expect(error.code).toBe('model-file-missing');
      expect(error.message).toContain(path);
    }
  });
});

describe('our own cache', () => {
  const path = (): string => join(bench.home, 'models', 'packaged.gguf');

  it('hashes a file before its first use, then trusts it until it changes', async () => {
    await write(path(), BYTES);
    const found = { name: 'packaged', path: path(), source: 'cache', sha256: DIGEST };
    expect(await find()).toEqual(found);
    expect(hashCount()).toBe(1);
    expect(await find()).toEqual(found);
    expect(hashCount()).toBe(1);

    await utimes(path(), new Date(), new Date(Date.now() + 5_000));
    expect(await find()).toEqual(found);
    expect(hashCount()).toBe(2);
  });

  it('notices different bytes of the same size', async () => {
    await write(path(), BYTES);
    await find();
    await write(path(), WRONG);
    await utimes(path(), new Date(), new Date(Date.now() + 5_000));
    expect(await find()).toBeNull();
    expect(bench.notices.join()).toContain(`${path()} is not used: its sha256 is`);
  });

  it('does not trust a receipt it cannot read', async () => {
    await write(path(), WRONG);
    await write(`${path()}.json`, `{"sha256":"${DIGEST}"}`);
    expect(await find()).toBeNull();
  });

  it('keeps a hub file without a receipt as it is, and says so', async () => {
    const file = join(bench.home, 'models/hub/me/other@main/m.gguf');
    await write(file, BYTES);
    expect(await find({}, 'hub:me/other/m.gguf')).toMatchObject({ path: file, sha256: DIGEST });
    expect(bench.notices.join()).toContain('no digest to check');
  });
});

describe('the cache of the hub client', () => {
  it.each([
    ['HF_HUB_CACHE', 'hub'],
    ['HUGGINGFACE_HUB_CACHE', 'hub'],
    ['HF_HOME', 'hub/hub'],
    ['XDG_CACHE_HOME', 'hub/huggingface/hub'],
    ['HOME', 'hub/.cache/huggingface/hub'],
  ])('is found by %s and used in place', async (variable, folder) => {
    const path = await hubCacheFile(join(bench.root, folder), BYTES);
    const found = await find({ [variable]: join(bench.root, 'hub') });
    expect(found).toEqual({ name: 'packaged', path, source: 'hub-cache', sha256: DIGEST });
    // Only a receipt in our own folder was written.
    expect(bench.files()).toHaveLength(1);
    expect(bench.files()[0]).toMatch(/^receipts\/[0-9a-f]{32}\.json$/);
    expect(existsSync(`${path}.json`)).toBe(false);
    await find({ [variable]: join(bench.root, 'hub') });
    expect(hashCount()).toBe(1);
  });

  it('hashes a file again once it has changed', async () => {
    const path = await hubCacheFile(join(bench.root, 'hub'), BYTES);
    const env = { HF_HUB_CACHE: join(bench.root, 'hub') };
    await find(env);
    await writeFile(path, WRONG);
    expect(await find(env)).toBeNull();
  });

  it('rejects a file whose bytes do not match the digest in its name', async () => {
    await hubCacheFile(join(bench.root, 'hub'), WRONG, 'b'.repeat(64));
    expect(await find({ HF_HUB_CACHE: join(bench.root, 'hub') })).toBeNull();
    expect(bench.notices.join()).toContain('is not used');
  });

  it('may hold a newer file than our table: its own digest counts', async () => {
    await hubCacheFile(join(bench.root, 'hub'), WRONG);
    const found = await find({ HF_HUB_CACHE: join(bench.root, 'hub') });
    expect(found?.sha256).toBe(sha256Of(WRONG));
  });

  it('without links is checked against our table, the size before the digest', async () => {
    const folder = join(bench.root, 'hub');
    const path = join(folder, 'models--me--repo/snapshots', COMMIT, 'packaged.gguf');
    await write(path, BYTES.subarray(1));
    expect(await find({ HF_HUB_CACHE: folder })).toBeNull();
    expect(hashCount()).toBe(0);
    await write(path, BYTES);
    expect((await find({ HF_HUB_CACHE: folder }))?.path).toBe(path);
  });

  it('serves a hub file at its revision only', async () => {
    const folder = join(bench.root, 'hub');
    const path = await hubCacheFile(folder, BYTES);
    await write(join(folder, 'models--me--repo/refs/v1'), COMMIT);
    const env = { HF_HUB_CACHE: folder };
    for (const revision of ['', '@v1', `@${COMMIT}`]) {
      const found = await find(env, `hub:me/repo${revision}/packaged.gguf`);
      expect(found?.path).toBe(path);
    }
    expect(await find(env, 'hub:me/repo@v2/packaged.gguf')).toBeNull();
    expect(await find(env, 'hub:me/other/packaged.gguf')).toBeNull();
  });

  it('is searched after our own', async () => {
    await hubCacheFile(join(bench.root, 'hub'), BYTES);
    await write(join(bench.home, 'models', 'packaged.gguf'), BYTES);
    const env = { HF_HUB_CACHE: join(bench.root, 'hub') };
    expect((await find(env))?.source).toBe('cache');
    await rm(join(bench.home, 'models'), { recursive: true });
    expect((await find(env))?.source).toBe('hub-cache');
  });
});

describe('the cache of llama.cpp', () => {
  it.each([
    ['LLAMA_CACHE', 'llama', 'me_repo_packaged.gguf'],
    ['LLAMA_CACHE', 'llama', 'packaged.gguf'],
    ['XDG_CACHE_HOME', 'llama/llama.cpp', 'me_repo_packaged.gguf'],
    ['HOME', 'llama/.cache/llama.cpp', 'me_repo_packaged.gguf'],
  ])('is found by %s in %s as %s', async (variable, folder, name) => {
    const path = await write(join(bench.root, folder, name), BYTES);
    expect(await find({ [variable]: join(bench.root, 'llama') })).toEqual({
      name: 'packaged',
      path,
      source: 'llama-cpp-cache',
      sha256: DIGEST,
    });
  });

  it('may have the layout of the hub client', async () => {
    const path = await hubCacheFile(join(bench.root, 'llama'), BYTES);
    const found = await find({ LLAMA_CACHE: join(bench.root, 'llama') });
    expect(found).toMatchObject({ path, source: 'llama-cpp-cache' });
  });

  it('is checked by the digest beside the file', async () => {
    const name = 'hub:me/other/q4/m.gguf';
    const path = await write(join(bench.root, 'llama/me_other_q4_m.gguf'), BYTES);
    const env = { LLAMA_CACHE: join(bench.root, 'llama') };
    await write(`${path}.etag`, `"${sha256Of(WRONG)}"`);
    expect(await find(env, name)).toBeNull();
    await write(`${path}.etag`, `"${DIGEST}"`);
    expect((await find(env, name))?.path).toBe(path);
  });

  it('does not hold a hub file under its bare name', async () => {
    await write(join(bench.root, 'llama/m.gguf'), BYTES);
    const env = { LLAMA_CACHE: join(bench.root, 'llama') };
    expect(await find(env, 'hub:me/other/m.gguf')).toBeNull();
  });
});

describe('a receipt', () => {
  it('records the digest, the time of the check and the source', async () => {
    const path = await write(join(bench.home, 'models', 'packaged.gguf'), BYTES);
    await find();
    const receipt: unknown = JSON.parse(readFileSync(`${path}.json`, 'utf8'));
    expect(receipt).toEqual({
      sha256: DIGEST,
      bytes: BYTES.byteLength,
      mtimeMs: (await stat(path)).mtimeMs,
      source: 'cache',
      verifiedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });
});
