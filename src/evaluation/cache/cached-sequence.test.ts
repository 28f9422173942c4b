import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RowProgram } from '../../core/row-program.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../core/token-id.ts';
import type { ForwardRequest, LanguageModel, Sequence } from '../../model/roles.ts';
import { ScriptedModel, type ScriptedModelOptions } from '../../model/scripted/scripted-model.ts';
import { CachedModel } from './cached-model.ts';
import { TrieStore } from './trie-store.ts';

const TOKEN_COUNT = 5;
const PLAIN: RowProgram = {
  vocabularySize: TOKEN_COUNT,
  sampling: GREEDY,
  seed: 1,
  purpose: 'sample',
  uncertainty: true,
};

/** Its rows depend on the whole text. */
function scripted(options: Partial<ScriptedModelOptions> = {}): ScriptedModel {
  return new ScriptedModel({
    tokens: ['a', 'b', 'c', 'd', ''],
    endOfGeneration: [4],
    next: (prefix) => {
      const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 1009, 7);
      return Array.from({ length: TOKEN_COUNT }, (_, id) => ((hash * (id + 2)) % 17) + 1);
    },
    ...options,
  });
}

const MEMORY = () => new TrieStore(null, { modelDigest: 'any', engine: 'any' });

/** A caching model around a scripted one, and what the latter was asked for. */
function counted(options: Partial<ScriptedModelOptions> = {}, store = MEMORY()) {
  const asked: (readonly [rows: number, outputs: number])[] = [];
  const inner = scripted({
    ...options,
    onForward: async (request, signal) => {
      await options.onForward?.(request, signal);
      asked.push([request.tokens.length, request.tokens.length - request.outputFrom]);
    },
  });
  const take = () => asked.splice(0);
  return { model: new CachedModel(inner, store), inner, take };
}

function rows(tokens: readonly number[], outputFrom = 0, more: Partial<ForwardRequest> = {}) {
  return { tokens: tokenIds(tokens), outputFrom, program: PLAIN, ...more };
}

/** Reads a prompt without outputs, then the tokens one by one. */
async function say(model: LanguageModel, prompt: readonly number[], tokens: readonly number[]) {
  await using sequence = model.openSequence();
  await sequence.forward(rows(prompt, prompt.length));
  const said: unknown[] = [];
  for (const token of tokens) said.push(...(await sequence.forward(rows([token]))).rows);
  return said;
}

describe('a sequence that remembers', () => {
  it('asks the model for nothing that it was asked before', async () => {
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

  it('feeds what it missed in one forward, and then just what was asked for', async () => {
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

  it('feeds what it missed in forwards that the model can take', async () => {
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

  it('computes a forward whole where one row of it is not known', async () => {
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

  it('knows a row however it got behind its text', async () => {
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

  it('computes every time where it is not to remember', async () => {
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

  const passed: readonly (readonly [string, Partial<ForwardRequest>])[] = [
    ['of draws', { program: { ...PLAIN, sampling: { ...GREEDY, temperature: 1 } } }],
    ['with a bias', { program: { ...PLAIN, sampling: { ...GREEDY, logitBias: { 1: 5 } } } }],
    ['with a mask', { program: { ...PLAIN, masks: new Map([[2, Int32Array.of(1)]]) } }],
    ['with their distributions', { program: { ...PLAIN, distribution: true } }],
    ['with hidden states', { hidden: true }],
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
  it.each(passed)('hands on rows %s', async (_, more) => {
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
    // And nothing of it was taken for a plain row.
    expect(await say(model, [0], [1])).toEqual(await say(scripted(), [0], [1]));
    expect(take()).toEqual([]);
  });

  it('has a tree of its own for every vocabulary', async () => {
    const { model } = counted();
    const small = { program: { ...PLAIN, vocabularySize: 2 } };
    await using sequence = model.openSequence();
    await using plain = scripted().openSequence();
    for (const more of [{}, small, {}, small]) {
      for (const one of [sequence, plain]) await one.truncate(0);
      const found = await sequence.forward(rows([1, 2], 0, more));
      expect(found.rows).toEqual((await plain.forward(rows([1, 2], 0, more))).rows);
    }
    // Also where the text is behind a tree of the other one.
    await sequence.forward(rows([3]));
    await plain.forward(rows([3]));
    const last = rows([2], 0, small);
    expect((await sequence.forward(last)).rows).toEqual((await plain.forward(last)).rows);
  });

  it('is where it was after a forward that failed, and goes on from there', async () => {
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
    expect(found.rows).toEqual((await say(scripted(), [0, 1], [2])) as typeof found.rows);
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

type Step =
  | {
      readonly kind: 'forward';
      readonly tokens: readonly TokenId[];
      readonly outputs: number;
      readonly program: RowProgram;
      readonly hidden: boolean;
    }
  | { readonly kind: 'truncate' | 'fork'; readonly share: number }
  | { readonly kind: 'reopen' };

const TOKENS = fc.array(fc.nat(1), { minLength: 1, maxLength: 3 }).map(tokenIds);
const SHARE = fc.double({ min: 0, max: 1, noNaN: true });
const GREEDY_PROGRAM: fc.Arbitrary<RowProgram> = fc.record({
  vocabularySize: fc.constant(TOKEN_COUNT),
  sampling: fc.constant(GREEDY),
  seed: fc.constant(1),
  purpose: fc.constant('sample'),
  uncertainty: fc.boolean(),
  logprob: fc.boolean(),
});
const ANY_PROGRAM: fc.Arbitrary<RowProgram> = fc
  .tuple(GREEDY_PROGRAM, fc.nat(5), fc.integer({ min: 2, max: TOKEN_COUNT }))
  .map(([program, kind, vocabularySize]) => {
    if (kind === 0) return { ...program, sampling: { ...GREEDY, temperature: 0.8 } };
    if (kind === 1) return { ...program, distribution: true };
    return kind === 2 ? { ...program, vocabularySize } : program;
  });

function steps(program: fc.Arbitrary<RowProgram>, hidden: fc.Arbitrary<boolean>) {
  const forward = fc.record({
    ...{ kind: fc.constant('forward' as const), tokens: TOKENS, outputs: fc.nat(3) },
    ...{ program, hidden },
  });
  const cut = fc.record({
    kind: fc.constantFrom('truncate' as const, 'fork' as const),
    share: SHARE,
  });
  const reopen = fc.constant({ kind: 'reopen' as const });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: forward },
    { weight: 2, arbitrary: cut },
    { weight: 1, arbitrary: reopen },
  );
  return fc.array(step, { maxLength: 30 });
}

/** @returns every row, length and failure that the steps lead to */
async function take(model: LanguageModel, all: readonly Step[]): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  let sequence: Sequence = model.openSequence();
  for (const step of all) {
    if (step.kind === 'reopen') {
      await sequence[Symbol.asyncDispose]();
      sequence = model.openSequence();
    } else if (step.kind === 'forward') {
      const { tokens, outputs, program, hidden } = step;
      const outputFrom = Math.max(0, tokens.length - outputs);
      const wantsHidden = hidden && outputFrom < tokens.length;
      const request = { tokens, outputFrom, program, hidden: wantsHidden };
      const done = sequence.forward(request).then(({ rows: found }) => found);
      seen.push(await done.catch(({ code }: { code: string }) => code));
    } else if (step.kind === 'fork') {
      const copy = await sequence.fork(at(step.share, sequence));
      await sequence[Symbol.asyncDispose]();
      sequence = copy;
    } else await sequence.truncate(at(step.share, sequence));
    seen.push(sequence.length);
  }
  await sequence[Symbol.asyncDispose]();
  return seen;
}

function at(share: number, { length }: Sequence): number {
  return Math.floor(share * length);
}

describe('any use of sequences', () => {
  const small = { contextLength: 24, cellCount: 200 };

  it('gives what the model itself gives', async () => {
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

  it('computes nothing the second time, in another process too', async () => {
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
