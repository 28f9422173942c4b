import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenIds } from '../../core/token-id.ts';
import { PrefixCache } from '../../kv-cache/prefix-cache.ts';
import type { ScriptedModelOptions } from '../scripted/scripted-model.ts';
import { CachedModel } from './cached-model.ts';
import { rows, say, scripted } from './fakes/counted-model.ts';
import { ANY_PROGRAM, type Step, steps, take } from './fakes/walks.ts';
import { TrieStore } from './trie-store.ts';

const PROMPT = [0, 1, 2, 0, 3, 1, 0, 2, 1, 0];
const OTHER = [2, 1, 2, 2, 0, 1, 3, 0, 3, 2];

function pooled(options: Partial<ScriptedModelOptions> = {}) {
  const asked: number[] = [];
  const inner = scripted({
    rowCountMax: 16,
    ...options,
    onForward: async ({ tokens }) => {
      asked.push(tokens.length);
    },
  });
  const pool = new PrefixCache({ model: inner });
  const store = new TrieStore(null, { modelDigest: 'any', engine: 'any' });
  const model = new CachedModel(inner, store, { pool });
  return { inner, model, pool, take: () => asked.splice(0) };
}

describe('a model that remembers, around a pool', () => {
  it('reads a prompt once for all requests that begin with it', async () => {
    const { inner, model, pool, take } = pooled();
    await say(model, PROMPT, [1, 1]);
    expect(take()).toEqual([10, 1, 1]);
    // The first of these tokens is known. The sequence is truncated behind it, and reads nothing
    // again.
    await say(model, PROMPT, [1, 2, 2]);
    expect(take()).toEqual([1, 1]);
    expect(inner.sequenceCount).toBe(1);
    await pool.clear();
    expect(inner.sequenceCount).toBe(0);
    await say(model, PROMPT, [1, 0]);
    expect(take()).toEqual([11, 1]);
  });

  it('reads the pinned prefix of prompts once, and counts rows as if every text had read it', async () => {
    const { model, pool, take } = pooled();
    await pool.pin(tokenIds(PROMPT));
    const [one, other] = await Promise.all([
      say(model, [...PROMPT, 1, 2], [3]),
      say(model, [...PROMPT, 2], [1, 1]),
    ]);
    expect(take().reduce((sum, count) => sum + count, 0)).toBe(10 + 3 + 3);
    const bare = scripted({ rowCountMax: 16 });
    expect(one).toEqual(await say(bare, [...PROMPT, 1, 2], [3]));
    expect(other).toEqual(await say(bare, [...PROMPT, 2], [1, 1]));
    await using sequence = model.openSequence();
    await sequence.forward(rows([...PROMPT, 3], 11));
    expect([sequence.length, await model.countCachedTokens()]).toEqual([11, 11]);
    expect(take()).toEqual([]);
  });

  it('makes room where sequences of earlier texts fill the cache', async () => {
    const { inner, model, pool } = pooled({ cellCount: 16, sequenceCountMax: 3 });
    {
      await using held = model.openSequence();
      await held.forward(rows([0, 1, 2], 2));
      await say(model, OTHER, [1, 1]);
      expect(inner.sequenceCount).toBe(2);
      // 3 tokens and 12 of an earlier text fill 15 of 16 cells: 3 more do not fit.
      await held.forward(rows([1, 1, 1]));
      expect(inner.sequenceCount).toBe(1);
    }
    await pool.clear();
    expect(await inner.countCachedTokens()).toBe(0);
  });

  it('makes room for all forwards that find the cache full at the same time', async () => {
    const { inner, model } = pooled({ cellCount: 16, sequenceCountMax: 3 });
    await using first = model.openSequence();
    await using second = model.openSequence();
    await first.forward(rows([0]));
    await second.forward(rows([1]));
    await say(model, OTHER, [1, 1]);
    expect(inner.sequenceCount).toBe(3);
    // 2 tokens and 12 of an earlier text fill 14 of 16 cells: neither forward fits.
    const both = await Promise.all([first, second].map((one) => one.forward(rows([1, 1, 1]))));
    expect(both.map((forward) => forward.rows.length)).toEqual([3, 3]);
    expect(inner.sequenceCount).toBe(2);
  });

  it('makes room for a branch where sequences of earlier texts take all others', async () => {
    const { inner, model } = pooled({ sequenceCountMax: 3 });
    await using trunk = model.openSequence();
    await trunk.forward(rows(PROMPT));
    await Promise.all([say(model, OTHER, [1]), say(model, [...OTHER].reverse(), [1])]);
    expect(inner.sequenceCount).toBe(3);
    await using branch = await trunk.fork();
    const forward = await branch.forward(rows([2]));
    const bare = scripted({ rowCountMax: 16 });
    await using other = bare.openSequence();
    await other.forward(rows(PROMPT));
    expect(forward.rows).toEqual((await other.forward(rows([2]))).rows);
    expect(inner.sequenceCount).toBe(2);
  });

  it('keeps no sequence whose forward found no room', async () => {
    const { inner, model } = pooled({ cellCount: 24, sequenceCountMax: 3 });
    await using held = model.openSequence();
    await held.forward(rows([0, 1, 1, 1, 1, 1, 1]));
    {
      await using failing = model.openSequence();
      await failing.forward(rows(PROMPT));
      expect(inner.sequenceCount).toBe(2);
      const refused = failing.forward(rows([1, 1, 1, 1, 1, 1, 1, 1]));
      await expect(refused).rejects.toMatchObject({ code: 'kv-full' });
    }
    expect(inner.sequenceCount).toBe(1);
  });

  it('keeps the sequences of texts that end, and closes them with the model', async () => {
    const { inner, model } = pooled();
    await say(model, PROMPT, [1]);
    const open = model.openSequence();
    await open.forward(rows([...OTHER, 1]));
    expect(inner.sequenceCount).toBe(2);
    await model[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
    expect(inner.sequenceCount).toBe(0);
  });

  it('shares nothing with a live check', async () => {
    const { inner, model, pool, take } = pooled();
    await pool.pin(tokenIds(PROMPT.slice(0, 9)));
    await say(model, PROMPT, [2]);
    model.remembers = false;
    take();
    await say(model, PROMPT, [2]);
    expect(take()).toEqual([10, 1]);
    expect([pool.used.sequenceCount, inner.sequenceCount]).toEqual([1, 2]);
  });
});

/**
 * Makes texts share more tokens: every forward of several tokens becomes longer, with one token id.
 */
function alike(use: readonly Step[]): readonly Step[] {
  const zeros = (count: number) => tokenIds(Array(count).fill(0));
  return use.map((step) =>
    step.kind === 'forward' && step.tokens.length > 1
      ? { ...step, tokens: zeros(4 * step.tokens.length) }
      : step,
  );
}

describe('any sequence operations, around a pool', () => {
  it('give the rows of the model itself, and leave only sequences of the pool', async () => {
    const small = { contextLength: 48, cellCount: 200, rowCountMax: 16, sequenceCountMax: 4 };
    let [pinnedCount, entryCount] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps(ANY_PROGRAM, fc.boolean()).map(alike), { minLength: 1, maxLength: 3 }),
        async (uses) => {
          const { inner, model, pool } = pooled(small);
          await pool.pin(tokenIds(Array(9).fill(0)));
          for (const use of uses) {
            expect(await take(model, use)).toEqual(await take(scripted(small), use));
            expect(model.sequenceCount).toBe(0);
            await pool.checkIdle();
          }
          entryCount += pool.used.sequenceCount;
          pinnedCount += inner.sequenceCount - pool.used.sequenceCount;
          await model[Symbol.asyncDispose]();
          expect(inner.sequenceCount).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
    expect(Math.min(pinnedCount, entryCount)).toBeGreaterThan(10);
  });
});
