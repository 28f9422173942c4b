import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenIds } from '../../core/token-id.ts';
import type { ForwardRequest } from '../roles.ts';
import { counted, PLAIN, rows, say, scripted } from './fakes/counted-model.ts';
import { ANY_PROGRAM, GREEDY_PROGRAM, steps, take } from './fakes/walks.ts';
import { TrieStore } from './trie-store.ts';

describe('a sequence that remembers', () => {
  it('asks the model for no row twice', async () => {
    const { model, take } = counted();
    const first = await say(model, [0, 1], [2, 3, 0]);
    expect(take()).toEqual([
      [2, 0],
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
    expect(await say(model, [0, 1], [2, 3, 0])).toEqual(first);
    expect(take()).toEqual([]);
    expect(model.rowCounts).toEqual({ known: 3, computed: 3 });
  });

  it('reads the missed tokens in one forward, then runs exactly the requested one', async () => {
    const { model, take } = counted();
    await say(model, [0, 1], [2, 3, 0]);
    take();
    const plain = await say(scripted(), [0, 1], [2, 3, 0, 1]);
    expect(await say(model, [0, 1], [2, 3, 0, 1])).toEqual(plain);
    expect(take()).toEqual([
      [5, 0],
      [1, 1],
    ]);
  });

  it('splits missed tokens into forwards within the row limit of the model', async () => {
    const { model, take } = counted({ rowCountMax: 2 });
    await using sequence = model.openSequence();
    for (const token of [0, 1, 2, 3, 0]) await sequence.forward(rows([token], 1));
    await sequence.forward(rows([1, 2]));
    expect(take()).toEqual([
      [2, 0],
      [2, 0],
      [1, 0],
      [2, 2],
    ]);
  });

  it('computes a whole forward where one of its rows is not known', async () => {
    const { model, take } = counted();
    await say(model, [0], [1, 2]);
    take();
    await using sequence = model.openSequence();
    await sequence.forward(rows([0], 1));
    const forward = await sequence.forward(rows([1, 2, 3]));
    expect(take()).toEqual([
      [1, 0],
      [3, 3],
    ]);
    await using plain = scripted().openSequence();
    expect(forward.rows).toEqual((await plain.forward(rows([0, 1, 2, 3]))).rows.slice(1));
  });

  it('takes no time where nothing was computed', async () => {
    const { model } = counted();
    await say(model, [0], [1]);
    await using sequence = model.openSequence();
    await sequence.forward(rows([0], 1));
    const { waitedMs, computeMs } = await sequence.forward(rows([1]));
    expect([waitedMs, computeMs]).toEqual([0, 0]);
  });

  it('knows a row by its text, whichever calls led there', async () => {
    const { model, take } = counted();
    await say(model, [0, 1], [2, 3]);
    take();
    await using sequence = model.openSequence();
    await sequence.forward(rows([0, 1], 2));
    await sequence.forward(rows([3]));
    expect(take()).toHaveLength(2);
    await sequence.truncate(2);
    await sequence.forward(rows([2], 1));
    await sequence.forward(rows([3]));
    expect(take()).toEqual([]);
  });

  it('computes every time where its memory is off', async () => {
    const { model, take } = counted();
    const first = await say(model, [0], [1, 2]);
    take();
    model.remembers = false;
    expect(await say(model, [0], [1, 2])).toEqual(first);
    expect(take()).toHaveLength(3);
    await say(model, [0], [3]);
    model.remembers = true;
    take();
    await say(model, [0], [3]);
    expect(take()).toHaveLength(2);
  });

  const drawn: readonly (readonly [string, Partial<ForwardRequest>])[] = [
    ['of draws', { program: { ...PLAIN, sampling: { ...GREEDY, temperature: 1 } } }],
    ['with a bias', { program: { ...PLAIN, sampling: { ...GREEDY, logitBias: { 1: 5 } } } }],
    ['with their distributions', { program: { ...PLAIN, distribution: true } }],
    ['with hidden states', { program: { ...PLAIN, hidden: true } }],
    ['with log-probabilities', { program: { ...PLAIN, topLogprobs: 2 } }],
    [
      'with that of the text',
      { program: { ...PLAIN, textLogprob: true, text: tokenIds([0, 2, 1, 3, 2]) } },
    ],
  ];
  it.each(drawn)('keeps rows %s until the store is released', async (_, more) => {
    const store = new TrieStore(null, { modelDigest: 'any', engine: 'any' });
    const { model, take } = counted({}, store);
    await say(model, [0], [1]);
    const expected = await say(scripted(), [0, 2], [1, 3], more);
    const asked: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      take();
      expect(await say(model, [0, 2], [1, 3], more)).toEqual(expected);
      asked.push(take().length);
      if (time === 1) await store.release();
    }
    expect(asked).toEqual([3, 0, 3]);
    // None of these rows was taken for a plain row, or for one of another seed.
    expect(await say(model, [0, 2], [1, 3])).toEqual(await say(scripted(), [0, 2], [1, 3]));
    const reseeded = { program: { ...PLAIN, ...more.program, seed: 8 } };
    const other = await say(scripted(), [0, 2], [1, 3], reseeded);
    expect(await say(model, [0, 2], [1, 3], reseeded)).toEqual(other);
    // Twice, then the two plain rows and two with another seed; two were remembered.
    expect(model.rowCounts).toEqual({ known: 2, computed: 9 });
  });

  it('keeps the log-probability of a text for that text alone', async () => {
    const { model } = counted();
    for (const next of [2, 3, 2]) {
      const more = { program: { ...PLAIN, textLogprob: true, text: tokenIds([0, 1, next]) } };
      expect(await say(model, [0], [1], more)).toEqual(await say(scripted(), [0], [1], more));
    }
    expect(model.rowCounts).toEqual({ known: 1, computed: 2 });
  });

  const passed: readonly (readonly [string, Partial<ForwardRequest>])[] = [
    ['with a mask', { program: { ...PLAIN, masks: new Map([[2, Int32Array.of(1)]]) } }],
    [
      'with penalties',
      {
        program: {
          ...PLAIN,
          sampling: { ...GREEDY, presencePenalty: 1 },
          text: tokenIds([0, 1, 2]),
        },
      },
    ],
  ];
  it.each(passed)('passes through rows %s', async (_, more) => {
    const { model, take } = counted();
    await say(model, [0], [1]);
    await using plain = scripted().openSequence();
    await plain.forward(rows([0], 1));
    const expected = (await plain.forward(rows([1], 0, more))).rows;
    for (let time = 0; time < 2; time += 1) {
      take();
      await using sequence = model.openSequence();
      await sequence.forward(rows([0], 1));
      expect((await sequence.forward(rows([1], 0, more))).rows).toEqual(expected);
      expect(take()).toHaveLength(2);
    }
    // None of these rows was taken for a plain row.
    expect(await say(model, [0], [1])).toEqual(await say(scripted(), [0], [1]));
    expect(take()).toEqual([]);
    // The plain row before, and this one twice.
    expect(model.rowCounts).toEqual({ known: 1, computed: 3 });
  });

  it('has one tree for each vocabulary size', async () => {
    const { model } = counted();
    const small = { program: { ...PLAIN, vocabularySize: 2 } };
    await using sequence = model.openSequence();
    await using plain = scripted().openSequence();
    for (const more of [{}, small, {}, small]) {
      for (const one of [sequence, plain]) await one.truncate(0);
      const found = await sequence.forward(rows([1, 2], 0, more));
      expect(found.rows).toEqual((await plain.forward(rows([1, 2], 0, more))).rows);
    }
    // Also where the text extends beyond the prompt of the other tree.
    await sequence.forward(rows([3]));
    await plain.forward(rows([3]));
    const last = rows([2], 0, small);
    expect((await sequence.forward(last)).rows).toEqual((await plain.forward(last)).rows);
  });

  it('keeps its length after a failed forward, and continues from there', async () => {
    let failure: Error | null = null;
    const { model, take } = counted({
      onForward: async () => {
        if (failure !== null) throw failure;
      },
    });
    await using sequence = model.openSequence();
    await sequence.forward(rows([0, 1], 2));
    failure = new Error('a fault');
    await expect(sequence.forward(rows([2]))).rejects.toThrow('a fault');
    expect(sequence.length).toBe(2);
    failure = null;
    const aborted = AbortSignal.abort();
    await expect(sequence.forward(rows([2]), aborted)).rejects.toMatchObject({ code: 'aborted' });
    const found = await sequence.forward(rows([2]));
    expect(take()).toEqual([
      [2, 0],
      [1, 1],
    ]);
    expect(found.rows).toEqual(await say(scripted(), [0, 1], [2]));
  });

  it('leaves no sequence behind, not even one that could not be forked', async () => {
    const { model, inner } = counted({ sequenceCountMax: 2 });
    await using sequence = model.openSequence();
    await sequence.forward(rows([0, 1]));
    const other = inner.openSequence();
    await expect(sequence.fork()).rejects.toMatchObject({ code: 'sequences-exhausted' });
    expect([model.sequenceCount, inner.sequenceCount]).toEqual([1, 2]);
    await other[Symbol.asyncDispose]();
    const copy = await sequence.fork(1);
    expect([model.sequenceCount, inner.sequenceCount, copy.length]).toEqual([2, 2, 1]);
    await copy[Symbol.asyncDispose]();
    await copy[Symbol.asyncDispose]();
    expect([model.sequenceCount, inner.sequenceCount]).toEqual([1, 1]);
  });
});

describe('any sequence operations', () => {
  const small = { contextLength: 24, cellCount: 200 };

  it('give the rows of the model itself', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps(ANY_PROGRAM, fc.boolean()), { minLength: 1, maxLength: 3 }),
        async (uses) => {
          const { model, inner } = counted(small);
          for (const use of uses) {
            expect(await take(model, use)).toEqual(await take(scripted(small), use));
            expect([model.sequenceCount, inner.sequenceCount]).toEqual([0, 0]);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('compute nothing the second time, in another process too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pilotfish-rows-'));
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(steps(GREEDY_PROGRAM, fc.constant(false)), async (use) => {
        runs += 1;
        const store = () => {
          return new TrieStore(join(folder, `${runs}`), { modelDigest: 'any', engine: 'any' });
        };
        const first = counted(small, store());
        const seen = await take(first.model, use);
        await first.model[Symbol.asyncDispose]();
        const second = counted(small, store());
        expect(await take(second.model, use)).toEqual(seen);
        expect(second.take()).toEqual([]);
        expect(second.model.rowCounts.computed).toBe(0);
      }),
      { numRuns: 60 },
    );
    await rm(folder, { recursive: true });
  });
});
