import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CurveKey, StepCostStore } from './step-cost-store.ts';
import type { CostCurve } from './step-costs.ts';

const KEY: CurveKey = {
  model: 'qwen2.5-coder-0.5b',
  byteCount: 1000,
  threadCount: 2,
  processor: 'Some CPU @ 2 GHz',
  library: 'b1234',
};
const CURVE: CostCurve = {
  points: [
    { rowCount: 1, ms: 10.5 },
    { rowCount: 2, ms: 12 },
  ],
};

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-costs-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function onlyFile(): Promise<string> {
  const [name, ...rest] = await readdir(folder);
  expect(rest).toEqual([]);
  return join(folder, name ?? 'none');
}

describe('StepCostStore', () => {
  it('gives back what was saved, also to another store, also over an older curve', async () => {
    await new StepCostStore(folder).save(KEY, { points: [{ rowCount: 1, ms: 1 }] });
    await new StepCostStore(folder).save(KEY, CURVE);
    expect(await new StepCostStore(folder).load({ ...KEY })).toEqual(CURVE);
  });

  it('has nothing before something was saved, nor where there is no folder', async () => {
    expect(await new StepCostStore(folder).load(KEY)).toBeNull();
    expect(await new StepCostStore(join(folder, 'missing')).load(KEY)).toBeNull();
  });

  it('makes its folder', async () => {
    const store = new StepCostStore(join(folder, 'a', 'b'));
    await store.save(KEY, CURVE);
    expect(await store.load(KEY)).toEqual(CURVE);
  });

  it.each<Partial<CurveKey>>([
    { model: 'other' },
    { byteCount: 1001 },
    { threadCount: 3 },
    { processor: 'Another' },
    { library: 'b1235' },
  ])('has nothing for a key that differs in %j', async (change) => {
    const store = new StepCostStore(folder);
    await store.save(KEY, CURVE);
    expect(await store.load({ ...KEY, ...change })).toBeNull();
    await store.save({ ...KEY, ...change }, CURVE);
    expect(await readdir(folder)).toHaveLength(2);
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"key":{},"points":[]}',
    '{"key":{},"points":[{"rowCount":0,"ms":1}]}',
    '{"key":{},"points":[{"rowCount":1,"ms":-1}]}',
    '{"key":{},"points":[{"rowCount":1,"ms":null}]}',
    '{"key":{},"points":[{"rowCount":1.5,"ms":1}]}',
    '{"key":{}}',
  ])('has nothing where the file was damaged: %s', async (text) => {
    const store = new StepCostStore(folder);
    await store.save(KEY, CURVE);
    await writeFile(await onlyFile(), text);
    expect(await store.load(KEY)).toBeNull();
    await store.save(KEY, CURVE);
    expect(await store.load(KEY)).toEqual(CURVE);
  });

  it('leaves no partial file behind, and one line that a person can read', async () => {
    await new StepCostStore(folder).save(KEY, CURVE);
    const path = await onlyFile();
    expect(path).toMatch(/[0-9a-f]{24}\.json$/);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ key: KEY, points: CURVE.points });
  });

  it('is not an error where the folder cannot be written', async () => {
    // A file in the place of the folder stops everybody, root included.
    const blocked = join(folder, 'blocked');
    await writeFile(blocked, 'a file');
    const store = new StepCostStore(blocked);
    await expect(store.save(KEY, CURVE)).resolves.toBeUndefined();
    expect(await store.load(KEY)).toBeNull();
  });

  it('is not an error where a folder lies in the place of the file', async () => {
    const store = new StepCostStore(folder);
    await store.save(KEY, CURVE);
    const path = await onlyFile();
    await rm(path);
    await mkdir(join(path, 'in-the-way'), { recursive: true });
    expect(await store.load(KEY)).toBeNull();
    await expect(store.save(KEY, CURVE)).resolves.toBeUndefined();
  });
});
