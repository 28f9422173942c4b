/** The stores of a training on disk: traces, ends of branches, answers. */
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenIds } from '../../core/token-id.ts';
import { singleModel } from '../../strategy/single-model.ts';
import {
  MAX_TOKENS,
  type NumberWorld,
  numberWorld,
  smallAlone,
  trajectoryOf,
} from '../fakes/number-world.ts';
import { type Outcome, openOutcomes } from '../rollouts/outcome-store.ts';
import { writeAnswers } from '../rounds/write-answers.ts';
import { type Trajectory, trajectoryKey } from '../trajectory.ts';
import { ExampleStore, RECENT_COUNT } from './example-store.ts';
import type { TeacherForcedTrace } from './trace.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-stores-'));
  path = join(folder, 'deep', 'store.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const anyTrace = (length: number, featureSize: number): fc.Arbitrary<TeacherForcedTrace> => {
  const sized = { minLength: length, maxLength: length };
  const ids = fc.array(fc.nat(200_000), sized).map((all) => tokenIds(all));
  const floats = fc.float32Array({ ...sized, noNaN: true });
  const halves = length * featureSize;
  return fc.record({
    ...{
      small: ids,
      large: ids,
      textLogprobUnderSmall: floats,
      smallLogprobUnderLarge: floats,
      bestLogprobUnderLarge: floats,
    },
    features: fc.uint16Array({ minLength: halves, maxLength: halves }),
    featureSize: fc.constant(featureSize),
  });
};

function trajectory(index: number, length: number): Trajectory {
  const tokens = tokenIds(Array.from({ length }, (_, at) => (at * 7 + index) % 50));
  return { ...trajectoryOf(index), tokens };
}

const anyExamples = fc
  .array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 5 })
  .chain((shapes) => fc.tuple(...shapes.map(([length, size]) => anyTrace(length, size))));

describe('traces', () => {
  it('come back unchanged, also from the file', async () => {
    await fc.assert(
      fc.asyncProperty(anyExamples, async (traces) => {
        const file = join(folder, `${Math.random()}.jsonl`);
        const store = await ExampleStore.open(file);
        const all = traces.map((trace, at) => ({
          trace,
          trajectory: trajectory(at, trace.small.length),
        }));
        for (const one of all) {
          expect(store.get(one.trajectory)).toBeNull();
          const key = trajectoryKey(one.trajectory);
          expect(await store.add(one.trajectory, one.trace)).toEqual({ key, ...one });
        }
        const opened = await ExampleStore.open(file);
        for (const one of all) {
          const expected = { key: trajectoryKey(one.trajectory), ...one };
          for (const from of [store, opened]) expect(from.get(one.trajectory)).toEqual(expected);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('are known by question, prompt and tokens, regardless of their writer', async () => {
    const store = await ExampleStore.open(path);
    const [trace] = fc.sample(anyTrace(5, 2), 1);
    if (trace === undefined) throw new Error('a sample has one');
    const own = trajectory(3, 5);
    await store.add(own, trace);
    expect(store.get({ ...own, source: 'mixed', value: 0 })?.trace).toEqual(trace);
    expect(store.get({ ...own, tokens: own.tokens.slice(1) })).toBeNull();
    expect(store.get({ ...own, prompt: own.prompt.slice(1) })).toBeNull();
    expect(store.get({ ...own, question: trajectory(4, 5).question })).toBeNull();
  });

  it('leave features in the file, except those of the last few', async () => {
    const count = RECENT_COUNT + 3;
    const traces = fc.sample(anyTrace(4, 3), { numRuns: count, seed: 1 });
    const store = await ExampleStore.open(path);
    const added = await Promise.all(
      traces.map((trace, index) => store.add(trajectory(index, 4), trace)),
    );
    expect(store.recentCount).toBe(RECENT_COUNT);
    const opened = await ExampleStore.open(path);
    expect(opened.recentCount).toBe(RECENT_COUNT);
    const got = traces.flatMap((_, index) => opened.get(trajectory(index, 4)) ?? []);
    expect(opened.recentCount).toBe(RECENT_COUNT);
    for (const all of [added, got, added.toReversed(), got.toReversed()]) {
      for (const { key, trace } of all) {
        const index = added.findIndex((one) => one.key === key);
        expect(trace).toEqual(traces[index]);
        // An example in long use keeps its features in memory.
        expect(trace.features).toBe(trace.features);
      }
    }
    expect([store.recentCount, opened.recentCount]).toEqual([RECENT_COUNT, RECENT_COUNT]);
  });

  it('are refused where the file has changed', async () => {
    const store = await ExampleStore.open(path);
    const traces = fc.sample(anyTrace(4, 3), { numRuns: RECENT_COUNT + 2, seed: 1 });
    for (const [index, trace] of traces.entries()) {
      await store.add(trajectory(index, 4), trace);
    }
    const [, example] = traces.map((_, index) => store.get(trajectory(index, 4)));
    await truncate(path, 10);
    expect(() => example?.trace.features).toThrow(
      expect.objectContaining({ code: 'training-invalid', fields: { path, line: 2 } }),
    );
  });

  it.each<[string, (line: Record<string, string>) => string]>([
    ['no JSON', () => '{'],
    ['no part of a trace', () => '{}'],
    [
      'too few features',
      (line) => JSON.stringify({ ...line, features: Buffer.alloc(18).toString('base64') }),
    ],
    [
      'a character that is not base64',
      (line) => JSON.stringify({ ...line, features: `!${line['features']?.slice(1)}` }),
    ],
    ['a number cut off', (line) => JSON.stringify({ ...line, ownBySmall: 'AAAA' })],
  ])('name the line that is damaged: %s', async (_what, damaged) => {
    const store = await ExampleStore.open(path);
    const [trace] = fc.sample(anyTrace(5, 2), 1);
    if (trace === undefined) throw new Error('a sample has one');
    await store.add(trajectory(3, 5), trace);
    await appendFile(path, `${damaged(JSON.parse(await readFile(path, 'utf8')))}\n`);
    await expect(ExampleStore.open(path)).rejects.toMatchObject({
      code: 'training-invalid',
      fields: { path, line: 2 },
    });
  });
});

/** Few values, so that branches differ in one part alone. */
const COUNT = fc.nat(1);
const anyOutcome: fc.Arbitrary<Outcome> = fc.record({
  trajectory: fc.constantFrom('a1', 'b2'),
  policy: fc.constantFrom('small', '0123@0.5', 'small, drawn at 0.8 with seed 1'),
  ...{ position: COUNT, token: COUNT, draw: COUNT, tokenCount: COUNT },
  value: fc.constantFrom(0, 1),
});

describe('ends of branches', () => {
  it("are stored by all parts of a branch's key; the last end counts", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyOutcome, { maxLength: 30 }), async (outcomes) => {
        const file = join(folder, `${Math.random()}.jsonl`);
        const store = await openOutcomes(file);
        const expected = new Map<string, Outcome>();
        for (const outcome of outcomes) {
          await store.add(outcome);
          const { value: _value, tokenCount: _count, ...key } = outcome;
          expected.set(JSON.stringify(Object.entries(key).sort()), outcome);
        }
        for (const from of [store, await openOutcomes(file)]) {
          expect(from.count).toBe(expected.size);
          for (const outcome of expected.values()) expect(from.get(outcome)).toEqual(outcome);
        }
        const other = { trajectory: 'c3', policy: 'small', position: 1, token: 1, draw: 0 };
        expect(store.get(other)).toBeNull();
      }),
      { numRuns: 30 },
    );
  });

  it('name the line that is damaged', async () => {
    const store = await openOutcomes(path);
    const key = { trajectory: 'a', policy: 'small', token: 1, draw: 0, value: 1, tokenCount: 4 };
    await store.add({ ...key, position: 1 });
    for (const line of ['x', JSON.stringify({ ...key, position: -1 })]) {
      const damaged = join(folder, 'damaged.jsonl');
      await writeFile(damaged, `${await readFile(path, 'utf8')}${line}\n`);
      await expect(openOutcomes(damaged)).rejects.toMatchObject({
        code: 'training-invalid',
        fields: { path: damaged, line: 2 },
      });
    }
  });
});

describe('stored answers', () => {
  const LIKE = Array.from({ length: 24 }, (_, index) => trajectoryOf(index));

  function write(world: NumberWorld, id = 'the small one', signal?: AbortSignal, seen?: number[]) {
    const strategy = singleModel('small');
    return writeAnswers(LIKE, {
      writer: { id, strategy, sampling: GREEDY, seed: 0, source: 'mixed' },
      ...{ pair: world.pair, maxTokens: MAX_TOKENS, path, label: 'Answering' },
      ...(signal === undefined ? {} : { signal }),
      onProgress: ({ done }) => seen?.push(done),
    });
  }

  it("are the writer's text, one for each question, and are not written twice", async () => {
    const world = numberWorld();
    const seen: number[] = [];
    const written = await write(world, undefined, undefined, seen);
    expect(written).toEqual(LIKE.map((_, index) => trajectoryOf(index, smallAlone)));
    expect(seen).toEqual([0, ...LIKE.map((_, index) => index + 1)]);
    expect(world.openCount()).toBe(0);
    const again = numberWorld();
    expect(await write(again)).toEqual(written);
    expect(again.fedCount()).toBe(0);
    await write(again, 'another');
    expect(again.fedCount()).toBe(world.fedCount());
  });

  it('are written fewer at a time where the cache is full', async () => {
    const seen: number[] = [];
    const narrow = numberWorld({ cellCount: 40, contextLength: 40 });
    const written = await write(narrow, undefined, undefined, seen);
    expect(written).toEqual(LIKE.map((_, index) => trajectoryOf(index, smallAlone)));
    expect(seen).toEqual([0, ...LIKE.map((_, index) => index + 1)]);
    expect(narrow.openCount()).toBe(0);
    await rm(path);
    await expect(write(numberWorld({ cellCount: 3 }))).rejects.toMatchObject({
      code: 'kv-full',
    });
  });

  it('written before an abort are kept', async () => {
    const caller = new AbortController();
    let count = 0;
    const world = numberWorld({
      onForward: async () => {
        count += 1;
        if (count === 150) caller.abort();
      },
    });
    const run = write(world, undefined, caller.signal);
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(world.openCount()).toBe(0);
    const keptCount = (await readFile(path, 'utf8')).split('\n').length - 1;
    expect(keptCount).toBeGreaterThan(0);
    expect(keptCount).toBeLessThan(LIKE.length);
    const [rest, all] = [numberWorld(), numberWorld()];
    const resumed = await write(rest);
    await rm(path);
    expect(resumed).toEqual(await write(all));
    expect(rest.fedCount()).toBeLessThan(all.fedCount());
  });

  it('name the line that is damaged', async () => {
    await write(numberWorld());
    await appendFile(path, '{"writer":"x"}\n');
    await expect(write(numberWorld())).rejects.toMatchObject({
      code: 'training-invalid',
      fields: { path, line: LIKE.length + 1 },
    });
  });
});
