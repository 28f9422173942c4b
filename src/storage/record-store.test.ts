import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type RecordFormat, type RecordMemory, RecordStore, recordReader } from './record-store.ts';

interface Key {
  readonly name: string;
  readonly draw: number;
}
interface Measured extends Key {
  readonly values: readonly number[];
}

const MEASURED: z.ZodType<Measured> = z.object({
  name: z.string(),
  draw: z.number().int(),
  values: z.array(z.number()),
});

const FORMAT: RecordFormat<Measured, Key> = {
  noun: 'measurement',
  read: recordReader(MEASURED),
  keyOf: ({ name, draw }) => `${name} ${draw}`,
  code: 'training-invalid',
  remedy: 'Delete the line: it is measured again.',
};
/** Records whose line is a list instead of the record. */
const AS_LIST: RecordFormat<Measured, Key> = {
  ...FORMAT,
  read: recordReader(
    z
      .tuple([z.string(), z.number(), z.array(z.number())])
      .transform(([name, draw, values]) => ({ name, draw, values })),
  ),
  lineOf: ({ name, draw, values }) => [name, draw, values],
};

const RECENT_COUNT = 2;
const MEMORIES: readonly RecordMemory[] = ['records', 'texts', { recentCount: RECENT_COUNT }];
const FORMATS = [
  ...MEMORIES.map((memory) => ({ ...FORMAT, memory })),
  { ...AS_LIST, memory: { recentCount: RECENT_COUNT } },
];

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-records-'));
  path = join(folder, 'deep', 'records.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const anyRecord: fc.Arbitrary<Measured> = fc.record({
  // Few keys, so that records share them. The names differ in their counts of bytes and characters.
  name: fc.constantFrom('a', 'ü', '😀\n'),
  draw: fc.nat(1),
  values: fc.array(fc.integer(), { maxLength: 3 }),
});

const record = (name: string, ...values: number[]): Measured => ({ name, draw: 0, values });

describe('a store of records', () => {
  it('has the last record added under a key, in any process and memory mode', async () => {
    const anyBatches = fc.array(fc.array(anyRecord, { maxLength: 4 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(anyBatches, fc.constantFrom(...FORMATS), async (batches, format) => {
        const file = join(folder, `${Math.random()}.jsonl`);
        const store = await RecordStore.open<Measured, Key>(file, format);
        const expected = new Map<string, Measured>();
        for (const batch of batches) {
          await store.add(...batch);
          for (const one of batch) expected.set(format.keyOf(one), one);
        }
        for (const from of [store, await RecordStore.open<Measured, Key>(file, format)]) {
          expect(from.count).toBe(expected.size);
          for (const one of expected.values()) {
            const { values: _, ...key } = one;
            expect([from.has(key), from.get(key)]).toEqual([true, one]);
          }
          const other = { name: 'a', draw: 7 };
          expect([from.has(other), from.get(other)]).toEqual([false, null]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each(FORMATS)('finds records that were added at the same time: %j', async (format) => {
    const store = await RecordStore.open<Measured, Key>(path, format);
    const records = Array.from({ length: 20 }, (_, at) => record(`${'x'.repeat(at)}`, at));
    await Promise.all(records.map((one) => store.add(one)));
    for (const from of [store, await RecordStore.open<Measured, Key>(path, format)]) {
      expect(records.map((one) => from.get(one))).toEqual(records);
    }
  });

  it.each(FORMATS)('loses only a last line that was cut off: %j', async (format) => {
    await (await RecordStore.open(path, format)).add(record('a', 1), record('ü', 2));
    await truncate(path, (await readFile(path)).length - 3);
    const store = await RecordStore.open<Measured, Key>(path, format);
    expect([store.count, store.has(record('ü'))]).toEqual([1, false]);
    await store.add(record('ü', 3));
    const again = await RecordStore.open<Measured, Key>(path, format);
    expect([again.get(record('a')), again.get(record('ü'))]).toEqual([
      record('a', 1),
      record('ü', 3),
    ]);
  });

  it.each([
    ['x', 'it is not JSON'],
    ['7', /^the record: /],
    ['{"name":"a","draw":0.5,"values":[]}', /^draw: /],
  ])('names the line that is damaged, and what is wrong: %s', async (line, why) => {
    await (await RecordStore.open(path, FORMAT)).add(record('a', 1));
    await appendFile(path, `${line}\n`);
    const refused = RecordStore.open(path, FORMAT);
    await expect(refused).rejects.toMatchObject({
      code: 'training-invalid',
      message: expect.stringMatching(/^Line 2 of .*records\.jsonl is no measurement: /),
      remedy: 'Delete the line: it is measured again.',
      fields: { path, line: 2 },
    });
    expect(FORMAT.read(line)).toEqual(typeof why === 'string' ? why : expect.stringMatching(why));
  });
});

describe('a store that keeps only some records in memory', () => {
  const format = { ...FORMAT, memory: { recentCount: RECENT_COUNT } };

  it('reads the others from the file', async () => {
    const store = await RecordStore.open<Measured, Key>(path, format);
    await store.add(record('a', 1), record('b', 2), record('c', 3));
    expect([store.count, store.recentCount]).toEqual([3, RECENT_COUNT]);
    const first = store.get(record('a'));
    expect(first).toEqual(record('a', 1));
    expect(store.get(record('a'))).toBe(first);
    store.get(record('b'));
    store.get(record('c'));
    expect(store.get(record('a'))).not.toBe(first);
    expect(store.recentCount).toBe(RECENT_COUNT);
  });

  it('names the line that has changed', async () => {
    const store = await RecordStore.open<Measured, Key>(path, format);
    await store.add(record('a', 1), record('b', 2), record('c', 3));
    await writeFile(path, 'x'.repeat((await readFile(path)).length));
    expect(() => store.get(record('a'))).toThrow(
      expect.objectContaining({ code: 'training-invalid', fields: { path, line: 1 } }),
    );
    expect(store.get(record('c'))).toEqual(record('c', 3));
  });
});
