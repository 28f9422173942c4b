import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CatalogBench,
  type ContextChanges,
  catalogBench,
  eventually,
  failureOf,
  sha256Of,
  someBytes,
} from './fakes/catalog-bench.ts';
import { type FakeFile, type FakeHub, startFakeHub } from './fakes/fake-hub.ts';
import { isPullable } from './find-model.ts';
import { type PullableReference, parseModelReference } from './model-reference.ts';
import { modelTarget } from './model-target.ts';
import { pullModel } from './pull-model.ts';

const BYTES = someBytes(200_000);
const TOKEN = 'hf_secretSecretSecret';

let bench: CatalogBench;
let hub: FakeHub;

beforeEach(async () => {
  bench = catalogBench();
  hub = await startFakeHub();
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

function reference(name = 'hub:me/repo/q4/model.gguf'): PullableReference {
  const parsed = parseModelReference(name);
  if (!isPullable(parsed)) throw new Error('not a hub name');
  return parsed;
}

function serve(changes: Partial<FakeFile> = {}): void {
  hub.files.set('me/repo/resolve/main/q4/model.gguf', { bytes: BYTES, ...changes });
}

function context({ env, ...changes }: ContextChanges = {}) {
  return bench.context({ ...changes, env: { HF_ENDPOINT: hub.url, HF_TOKEN: TOKEN, ...env } });
}

const TARGET = 'models/hub/me/repo@main/q4/model.gguf';

function downloads(): readonly (string | null)[] {
  const got = hub.requests.filter(({ host, method }) => host === 'store' && method === 'GET');
  return got.map(({ range }) => range);
}

describe('a pull from the hub', () => {
  it('delivers the whole file, with only a receipt beside it', async () => {
    serve();
    const model = await pullModel(reference(), context());
    expect(model).toEqual({
      name: 'hub:me/repo/q4/model.gguf',
      path: modelTarget(reference(), context()),
      source: 'hub',
      sha256: sha256Of(BYTES),
    });
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
    expect(bench.files()).toEqual([TARGET, `${TARGET}.json`]);
    expect(bench.progress.filter(({ label }) => label.startsWith('Pulling')).at(-1)).toEqual({
      label: 'Pulling hub:me/repo/q4/model.gguf from the hub',
      done: BYTES.byteLength,
      total: BYTES.byteLength,
      unit: 'bytes',
    });
  });

  it('asks for the given revision', async () => {
    hub.files.set('me/repo/resolve/v2/model.gguf', { bytes: BYTES });
    const model = await pullModel(reference('hub:me/repo@v2/model.gguf'), context());
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
  });

  it('continues by range after a cut, in the same run', async () => {
    serve({ cuts: [60_000, 50_000] });
    const model = await pullModel(reference(), context());
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
    const [first, second, third] = downloads();
    expect(first).toBeNull();
    // The bytes sent and the bytes received before a cut may differ.
    expect(second).toMatch(/^bytes=\d+-$/);
    expect(Number(third?.slice(6, -1))).toBeGreaterThan(Number(second?.slice(6, -1)));
    expect(bench.notices.join()).toContain('the connection was cut; trying again');
  });

  it('fails after a few cuts, keeps the received bytes, and the next run continues there', async () => {
    serve({ cuts: [60_000, 0, 0] });
    const error = await failureOf(pullModel(reference(), context()));
    expect(error.code).toBe('download-failed');
    expect(error.message).toContain('the connection was cut');
    expect(error.remedy).toBe('Run it again; it resumes.');
    expect(downloads()).toHaveLength(3);
    expect(bench.files()).toEqual([`${TARGET}.partial`, `${TARGET}.partial.json`]);
    const kept = Number(error.fields['keptBytes']);
    expect(kept).toBeGreaterThan(0);

    await pullModel(reference(), context());
    expect(downloads().at(-1)).toBe(`bytes=${kept}-`);
    expect(bench.files()).toEqual([TARGET, `${TARGET}.json`]);
  });

  it('does not give up on a bad connection that makes progress', async () => {
    serve({ cuts: [20_000, 20_000, 20_000, 20_000, 20_000, 20_000] });
    await pullModel(reference(), context({ limits: { retryProgressBytes: 1_000 } }));
    expect(downloads()).toHaveLength(7);
  });

  it('notices a connection that went silent', async () => {
    serve({ stalls: [60_000] });
    // Where the machine is busy, later tries may stall as well: they are not counted.
    const limits = { stallTimeoutMs: 200, attemptCountMax: 1_000 };
    const model = await pullModel(reference(), context({ limits }));
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
    expect(bench.notices.join()).toContain('the connection stalled');
  });

  it('starts over if the file has changed since the cut', async () => {
    serve({ cuts: [60_000, 0, 0] });
    await failureOf(pullModel(reference(), context()));
    const newer = someBytes(150_000).reverse();
    serve({ bytes: newer });
    const model = await pullModel(reference(), context());
    expect(downloads().at(-1)).toBeNull();
    expect(readFileSync(model.path).equals(newer)).toBe(true);
  });

  it('starts over if the server does not support ranges', async () => {
    serve({ cuts: [60_000], ignoresRange: true });
    const model = await pullModel(reference(), context());
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
  });

  it('accepts only the range that it asked for', async () => {
    serve({ cuts: [60_000, 0, 0] });
    await failureOf(pullModel(reference(), context()));
    serve({ rangeShift: 10 });
    const error = await failureOf(pullModel(reference(), context()));
    expect(error.code).toBe('download-failed');
    expect(error.message).toContain('another range than asked: bytes');
    serve();
    await pullModel(reference(), context());
    expect(bench.files()).toEqual([TARGET, `${TARGET}.json`]);
  });

  it('refuses wrong bytes and keeps nothing', async () => {
    serve({ sha256: sha256Of(Buffer.from('other')) });
    const error = await failureOf(pullModel(reference(), context()));
    expect(error.code).toBe('digest-mismatch');
    expect(error.message).toContain(sha256Of(BYTES));
    expect(error.message).toContain(sha256Of(Buffer.from('other')));
    expect(bench.files()).toEqual([]);
  });

  it('hashes the bytes on the disk, not those that were received', async () => {
    serve({ cuts: [60_000, 0, 0] });
    await failureOf(pullModel(reference(), context()));
    const partial = `${modelTarget(reference(), context())}.partial`;
    const damaged = readFileSync(partial);
    damaged[1000] = (damaged[1000] ?? 0) ^ 1;
    await writeFile(partial, damaged);
    expect((await failureOf(pullModel(reference(), context()))).code).toBe('digest-mismatch');
    expect(bench.files()).toEqual([]);
    await pullModel(reference(), context());
    expect(bench.files()).toEqual([TARGET, `${TARGET}.json`]);
  });

  it('ignores a partial file without its note', async () => {
    serve();
    const target = modelTarget(reference(), context());
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${target}.partial`, BYTES.subarray(1, 100));
    const model = await pullModel(reference(), context());
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
    expect(downloads()).toEqual([null]);
  });

  it('hashes a complete partial file without any download', async () => {
    serve({ cuts: [60_000, 0, 0] });
    await failureOf(pullModel(reference(), context()));
    await writeFile(`${modelTarget(reference(), context())}.partial`, BYTES);
    const before = downloads().length;
    await pullModel(reference(), context());
    expect(downloads()).toHaveLength(before);
  });
});

describe('a hub that refuses', () => {
  it.each([
    [404, 'no such file'],
    [401, 'HF_TOKEN'],
    [403, 'HF_TOKEN'],
  ])('says so for HTTP %i at once', async (status, words) => {
    serve({ hubStatuses: [status, status] });
    const error = await failureOf(pullModel(reference(), context()));
    expect(error.code).toBe('source-unavailable');
    expect(error.message).toContain(`HTTP ${status}`);
    expect(error.message).toContain(words);
    expect(hub.requests).toHaveLength(1);
    expect(bench.files()).toEqual([]);
  });

  it('is asked again after a passing error', async () => {
    serve({ hubStatuses: [503, 302, 500] });
    const model = await pullModel(reference(), context());
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
  });

  it('is given up after a lasting error', async () => {
    serve({ hubStatuses: [500, 500, 500, 500] });
    const error = await failureOf(pullModel(reference(), context()));
    expect(error).toMatchObject({ code: 'source-unavailable' });
    expect(error.remedy).toContain('HF_ENDPOINT');
    expect(error.remedy).toContain('pip');
    expect(error.remedy).toContain('.gguf');
    expect(hub.requests).toHaveLength(3);
  });

  it('cannot deliver a file without a digest', async () => {
    serve({ hasNoDigest: true });
    const error = await failureOf(pullModel(reference(), context()));
    expect(error.message).toContain('no sha256');
    expect(downloads()).toEqual([]);
  });

  it('is asked only once if it does not answer in time', async () => {
    let requestCount = 0;
    const silent = createServer(() => {
      requestCount += 1;
    });
    await new Promise<void>((ready) => {
      silent.listen(0, '127.0.0.1', ready);
    });
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const env = { HF_ENDPOINT: `http://127.0.0.1:${port}` };
    const limits = { hubLookupTimeoutMs: 50 };
    const error = await failureOf(pullModel(reference(), context({ env, limits })));
    silent.closeAllConnections();
    silent.close();
    expect(error.message).toContain('no answer in time');
    expect(requestCount).toBeLessThanOrEqual(1);
  });

  it('costs no time if it cannot be reached', async () => {
    const env = { HF_ENDPOINT: 'http://127.0.0.1:1' };
    const error = await failureOf(pullModel(reference(), context({ env })));
    expect(error.message).toContain('connection refused');
    expect(bench.notices).toHaveLength(1);
  });

  it.each(['not an address', 'ftp://host'])('is not %s', async (HF_ENDPOINT) => {
    const error = await failureOf(pullModel(reference(), context({ env: { HF_ENDPOINT } })));
    expect(error.message).toContain('HF_ENDPOINT is not an http or https address');
  });

  it('is not asked offline', async () => {
    serve();
    for (const changes of [{ offline: true }, { env: { HF_HUB_OFFLINE: '1' } }]) {
      const error = await failureOf(pullModel(reference(), context(changes)));
      expect(error.code).toBe('source-unavailable');
      expect(error.message).toContain('the hub: not asked (offline)');
      expect(error.remedy).toContain('HF_HUB_OFFLINE');
    }
    expect(hub.requests).toEqual([]);
  });
});

describe('the token', () => {
  it('goes to the hub and nowhere else', async () => {
    serve();
    await pullModel(reference(), context());
    const seen = (host: string) =>
      hub.requests.filter((request) => request.host === host).map((r) => r.authorization);
    expect(seen('hub')).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
    expect(seen('store')).toEqual([null]);
  });

  it('is in no error, notice or file', async () => {
    serve({ hubStatuses: [401] });
    const error = await failureOf(pullModel(reference(), context()));
    const said = JSON.stringify([error.message, error.remedy, error.fields, bench.notices]);
    serve({ cuts: [10, 0, 0] });
    const cut = await failureOf(pullModel(reference(), context()));
    const written = bench.files().map((name) => readFileSync(`${bench.home}/${name}`, 'latin1'));
    expect(said + cut.message + bench.notices.join() + written.join()).not.toContain(TOKEN);
  });

  it('is not needed', async () => {
    serve();
    await pullModel(reference(), bench.context({ env: { HF_ENDPOINT: hub.url } }));
    expect(hub.requests.map(({ authorization }) => authorization)).toEqual([null, null, null]);
  });
});

describe('a proxy in the environment', () => {
  it('is asked, unless NO_PROXY names the hub', async () => {
    serve();
    const HTTP_PROXY = 'http://127.0.0.1:1';
    const failed = await failureOf(pullModel(reference(), context({ env: { HTTP_PROXY } })));
    expect(failed.code).toBe('source-unavailable');
    const NO_PROXY = '127.0.0.1';
    await pullModel(reference(), context({ env: { HTTP_PROXY, NO_PROXY } }));
    expect(bench.files()).toContain(TARGET);
  });
});

describe('an abort', () => {
  it('ends the pull and keeps the received bytes, and the next run continues', async () => {
    serve({ stalls: [60_000] });
    const controller = new AbortController();
    const pulling = failureOf(pullModel(reference(), context({ signal: controller.signal })));
    await eventually(() => bench.progress.some(({ done }) => done >= 60_000));
    controller.abort();
    expect((await pulling).code).toBe('aborted');
    expect(bench.files()).toEqual([`${TARGET}.partial`, `${TARGET}.partial.json`]);
    await pullModel(reference(), context());
    expect(downloads().at(-1)).toBe('bytes=60000-');
  });

  it('before the pull leaves no file', async () => {
    serve();
    const signal = AbortSignal.abort();
    expect((await failureOf(pullModel(reference(), context({ signal })))).code).toBe('aborted');
    expect(existsSync(bench.home)).toBe(false);
  });
});
