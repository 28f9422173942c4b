import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type CatalogBench,
  catalogBench,
  eventually,
  failureOf,
  someBytes,
} from './fakes/catalog-bench.ts';
import { type FakeHub, startFakeHub } from './fakes/fake-hub.ts';
import { isPullable } from './find-model.ts';
import { type PullableReference, parseModelReference } from './model-reference.ts';
import { modelTarget } from './model-target.ts';
import { pullModel } from './pull-model.ts';

const BYTES = someBytes(300_000);
const NAME = 'hub:me/repo/model.gguf';

let bench: CatalogBench;
let hub: FakeHub;

beforeEach(async () => {
  bench = catalogBench();
  hub = await startFakeHub();
  serve();
});

afterEach(async () => {
  vi.useRealTimers();
  await hub[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

function serve(held: Promise<void> = Promise.resolve()): void {
  hub.files.set('me/repo/resolve/main/model.gguf', { bytes: BYTES, held });
}

function reference(): PullableReference {
  const parsed = parseModelReference(NAME);
  if (!isPullable(parsed)) throw new Error('not a hub name');
  return parsed;
}

function context(changes: { limits?: object; signal?: AbortSignal } = {}) {
  return bench.context({ ...changes, env: { HF_ENDPOINT: hub.url } });
}

function downloadCount(): number {
  return hub.requests.filter((r) => r.host === 'store' && r.method === 'GET').length;
}

async function leaveLock(holder: unknown): Promise<string> {
  const path = `${modelTarget(reference(), context())}.lock`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof holder === 'string' ? holder : JSON.stringify(holder));
  return path;
}

describe('concurrent pulls of one model', () => {
  it('fetch it once in one process', async () => {
    const isWaitedFor = () => bench.notices.join().match(/waiting/g)?.length === 2;
    serve(eventually(() => isWaitedFor() || downloadCount() > 1));
    const models = await Promise.all([1, 2, 3].map(() => pullModel(reference(), context())));
    expect(models.map(({ source }) => source).sort()).toEqual(['cache', 'cache', 'hub']);
    expect(downloadCount()).toBe(1);
    expect(bench.notices.join()).toContain(`Process ${process.pid} is pulling ${NAME}; waiting`);
    expect(bench.files().filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  it('fetch it once in two processes', async () => {
    const script = `
      import { ensureModel } from ${JSON.stringify(join(import.meta.dirname, 'ensure-model.ts'))};
      const onNotice = (notice) => process.stderr.write(notice);
      const options = { home: ${JSON.stringify(bench.home)}, onNotice };
      const model = await ensureModel(${JSON.stringify(NAME)}, options);
      console.log(JSON.stringify(model));`;
    const env = { ...process.env, HF_ENDPOINT: hub.url, HOME: bench.root };
    let notices = '';
    serve(eventually(() => notices.includes('waiting') || downloadCount() > 1));
    const run = async () => {
      const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
      const running = promisify(execFile)(process.execPath, args, { env });
      running.child.stderr?.on('data', (text) => {
        notices += text;
      });
      const { stdout } = await running;
      return JSON.parse(stdout) as { path: string; source: string };
    };
    const models = await Promise.all([run(), run()]);
    expect(models.map(({ source }) => source).sort()).toEqual(['cache', 'hub']);
    expect(downloadCount()).toBe(1);
    expect(readFileSync(models[0].path).equals(BYTES)).toBe(true);
  });

  it('wait no longer than the limit, and name the holder', async () => {
    const holder = { pid: process.ppid, host: hostname(), token: 'theirs' };
    const path = await leaveLock(holder);
    const limits = { lockWaitMsMax: 50 };
    const error = await failureOf(pullModel(reference(), context({ limits })));
    expect(error.code).toBe('download-failed');
    expect(error.message).toContain(String(process.ppid));
    expect(error.remedy).toContain(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(holder);
    expect(downloadCount()).toBe(0);
  });

  it('stop waiting when aborted', async () => {
    await leaveLock({ pid: process.ppid, host: hostname(), token: 'theirs' });
    const caller = new AbortController();
    const pulling = failureOf(pullModel(reference(), context({ signal: caller.signal })));
    await eventually(() => bench.notices.join().includes('waiting'));
    caller.abort();
    expect((await pulling).code).toBe('aborted');
  });
});
