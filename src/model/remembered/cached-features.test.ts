import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { roundToHalf } from '../../core/half.ts';
import type { RowResult } from '../../core/row-program.ts';
import { type TokenId, tokenIds } from '../../core/token-id.ts';
import type { ForwardRequest } from '../roles.ts';
import type { ScriptedModelOptions } from '../scripted/scripted-model.ts';
import { counted, PLAIN, say, scripted } from './fakes/counted-model.ts';
import { ANY_PROGRAM, FEATURED_PROGRAM, GREEDY_PROGRAM, steps, take } from './fakes/walks.ts';
import type { RowFeatures } from './row-features.ts';
import { TrieStore } from './trie-store.ts';

/** Numbers of the whole text that half precision cannot hold. */
const hiddenState = (prefix: readonly TokenId[]): number[] => {
  const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 1009, 7);
  return [hash / 7, -hash / 1009, 1e-9 * hash];
};

const WITH_STATES: Partial<ScriptedModelOptions> = { hiddenState };
const ALL: RowFeatures = { hidden: true, topLogprobs: 4 };
const ASKED: Partial<ForwardRequest> = { program: { ...PLAIN, hidden: true, topLogprobs: 3 } };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-features-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function store(name = 'rows'): TrieStore {
  return new TrieStore(join(folder, name), { modelDigest: 'any', engine: 'any' });
}

function model(features: RowFeatures | null, at: TrieStore, options = WITH_STATES) {
  return counted(options, at, features === null ? {} : { features });
}

/** The plain rows and failures with their features rounded. */
function rounded(seen: readonly unknown[]): readonly unknown[] {
  return seen.map((one) => (Array.isArray(one) ? one.map(roundedRow) : one));
}

function roundedRow(row: RowResult): RowResult {
  const { hidden, topLogprobs } = row;
  return {
    ...row,
    hidden: hidden?.map(roundToHalf) ?? null,
    topLogprobs: topLogprobs?.map(roundToHalf) ?? null,
  };
}

const ANY_FEATURES: fc.Arbitrary<RowFeatures> = fc.constantFrom(
  ALL,
  { hidden: true },
  { topLogprobs: 2 },
  { hidden: false, topLogprobs: 1 },
  {},
);

describe('a model that remembers features', () => {
  it('computes them with every row, and answers from memory', async () => {
    const { model: cached, take: asked } = model(ALL, store());
    const plain = await say(cached, [0, 1], [2, 3]);
    expect(plain).toEqual(await say(scripted(), [0, 1], [2, 3]));
    expect(asked()).toHaveLength(3);
    const found = await say(cached, [0, 1], [2, 3], ASKED);
    expect(asked()).toEqual([]);
    const expected = await say(scripted(WITH_STATES), [0, 1], [2, 3], ASKED);
    expect(found).toEqual(expected.map(roundedRow));
    expect(found).not.toEqual(expected);
    expect(cached.rowCounts).toEqual({ known: 2, computed: 2 });
  });

  it('gives rows that own their memory', async () => {
    const { model: cached } = model(ALL, store());
    const first = await say(cached, [0], [1], ASKED);
    const before = structuredClone(first);
    for (const row of first) {
      row.hidden?.fill(0);
      row.topLogprobs?.fill(0);
    }
    expect(await say(cached, [0], [1], ASKED)).toEqual(before);
  });

  it.each([
    ['more log-probabilities than it keeps', { program: { ...PLAIN, topLogprobs: 5 } }],
    [
      'the log-probability of the text',
      {
        program: { ...PLAIN, hidden: true, textLogprob: true, text: tokenIds([0, 1, 2]) },
      },
    ],
    ['a distribution', { program: { ...PLAIN, distribution: true, hidden: true } }],
  ])('rounds rows with %s, too', async (_, more) => {
    const { model: cached, take: asked } = model(ALL, store());
    await say(cached, [0], [1]);
    const expected = (await say(scripted(WITH_STATES), [0], [1], more)).map(roundedRow);
    for (const count of [2, 0]) {
      asked();
      expect(await say(cached, [0], [1], more)).toEqual(expected);
      expect(asked()).toHaveLength(count);
    }
  });

  it('recomputes a row without features, and keeps the token and scores of the first time', async () => {
    const first = model(null, store());
    const before = await say(first.model, [0], [1, 2], {
      program: { ...PLAIN, logprob: true },
    });
    await first.model[Symbol.asyncDispose]();
    // Another run of the same model differs at most in the last digits; this model differs
    // everywhere.
    const other = { ...WITH_STATES, next: () => [1, 2, 3, 4, 90] };
    const second = model(ALL, store(), other);
    const scores = { program: { ...PLAIN, logprob: true } };
    expect(await say(second.model, [0], [1, 2], scores)).toEqual(before);
    expect(second.take()).toEqual([]);
    const wanted = { program: { ...scores.program, hidden: true, topLogprobs: 2 } };
    const own = await say(scripted(other), [0], [1, 2], wanted);
    const expected = before.map((row, index) => {
      const { hidden = null, topLogprobs = null } = own[index] ?? {};
      return roundedRow({ ...row, hidden, topLogprobs });
    });
    expect(await say(second.model, [0], [1, 2], wanted)).toEqual(expected);
    expect(second.take()).toHaveLength(3);
    expect(await say(second.model, [0], [1, 2], wanted)).toEqual(expected);
    expect(second.take()).toEqual([]);
    await second.model[Symbol.asyncDispose]();
    const third = model(ALL, store(), other);
    expect(await say(third.model, [0], [1, 2], wanted)).toEqual(expected);
    expect(third.take()).toEqual([]);
  });

  it('keeps the first hidden state, and the longest list of log-probabilities', async () => {
    const at = store();
    const asked = (topLogprobs: number) => ({
      program: { ...PLAIN, hidden: true, topLogprobs },
    });
    const first = model({ hidden: true, topLogprobs: 2 }, at);
    const [before] = await say(first.model, [0], [1], asked(2));
    const second = model(ALL, at, { next: () => [1, 2, 3, 4, 90], hiddenState: () => [1, 2, 3] });
    expect(await say(second.model, [0], [1], asked(2))).toEqual([before]);
    expect(second.take()).toEqual([]);
    const [longer] = await say(second.model, [0], [1], asked(3));
    expect(second.take()).toHaveLength(2);
    expect(longer?.hidden).toEqual(before?.hidden);
    expect(longer?.topLogprobs?.[0]).toBe(roundToHalf(Math.log(0.9)));
    expect(await say(first.model, [0], [1], asked(2))).toEqual([
      { ...before, topLogprobs: longer?.topLogprobs?.slice(0, 2) },
    ]);
  });

  it('hands on hidden states unrounded where no features are to be remembered', async () => {
    const first = model(ALL, store());
    const scores = await say(first.model, [0], [1], ASKED);
    await first.model[Symbol.asyncDispose]();
    const second = model(null, store());
    const found = await say(second.model, [0], [1], ASKED);
    expect(found).toEqual(await say(scripted(WITH_STATES), [0], [1], ASKED));
    expect(found.map(roundedRow)).toEqual(scores);
    expect(second.take()).toHaveLength(2);
    await say(second.model, [0], [1]);
    expect(second.take()).toEqual([]);
  });

  it('rounds with its memory off, and asks only for the features that the request reads', async () => {
    const requests: ForwardRequest[] = [];
    const { model: cached } = model(ALL, store(), {
      ...WITH_STATES,
      onForward: async (request) => void requests.push(request),
    });
    cached.remembers = false;
    const found = await say(cached, [0], [1], ASKED);
    expect(found).toEqual((await say(scripted(WITH_STATES), [0], [1], ASKED)).map(roundedRow));
    await say(cached, [0], [1]);
    const last = requests.at(-1);
    expect([last?.program.hidden, last?.program.topLogprobs]).toEqual([undefined, undefined]);
  });
});

describe('any sequence operations with features', () => {
  const small = { ...WITH_STATES, contextLength: 24, cellCount: 200 };

  it('give the rows of the model itself, rounded to half precision', async () => {
    const anyProgram = fc.oneof(ANY_PROGRAM, FEATURED_PROGRAM);
    const uses = fc.array(steps(anyProgram, fc.boolean()), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(ANY_FEATURES, uses, async (features, all) => {
        const { model: cached, inner } = counted(small, undefined, { features });
        for (const use of all) {
          expect(await take(cached, use)).toEqual(rounded(await take(scripted(small), use)));
          expect([cached.sequenceCount, inner.sequenceCount]).toEqual([0, 0]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('compute nothing the second time, in another process too', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(steps(FEATURED_PROGRAM, fc.boolean()), async (use) => {
        runs += 1;
        const first = counted(small, store(`${runs}`), { features: ALL });
        const seen = await take(first.model, use);
        await first.model[Symbol.asyncDispose]();
        const second = counted(small, store(`${runs}`), { features: ALL });
        expect(await take(second.model, use)).toEqual(seen);
        expect(second.take()).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('continue from rows without features, in another process too', async () => {
    let runs = 0;
    const uses = fc.tuple(
      steps(GREEDY_PROGRAM, fc.constant(false)),
      steps(FEATURED_PROGRAM, fc.boolean()),
    );
    await fc.assert(
      fc.asyncProperty(uses, async ([before, after]) => {
        runs += 1;
        const first = counted(small, store(`${runs}`));
        await take(first.model, before);
        await first.model[Symbol.asyncDispose]();
        const expected = rounded(await take(scripted(small), after));
        for (const features of [{ hidden: true, topLogprobs: 1 }, ALL, ALL]) {
          const next = counted(small, store(`${runs}`), { features });
          expect(await take(next.model, after)).toEqual(expected);
          await next.model[Symbol.asyncDispose]();
        }
      }),
      { numRuns: 60 },
    );
  });
});
