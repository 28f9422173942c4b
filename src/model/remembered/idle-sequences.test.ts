import { describe, expect, it } from 'vitest';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenIds } from '../../core/token-id.ts';
import { ScriptedModel } from '../scripted/scripted-model.ts';
import { CachedModel } from './cached-model.ts';
import { IdleSequences } from './idle-sequences.ts';
import { TrieStore } from './trie-store.ts';

const PROGRAM = { vocabularySize: 4, sampling: GREEDY, seed: 0, purpose: 'sample' } as const;

function scripted(asked: number[] = [], cellCount = 64, sequenceCountMax = 2): ScriptedModel {
  return new ScriptedModel({
    tokens: ['a', 'b', 'c', ''],
    endOfGeneration: [3],
    cellCount,
    sequenceCountMax,
    next: (prefix) => [0, 1, 2, 3].map((id) => 1 + ((prefix.length * 7 + id * 3) % 5)),
    onForward: async ({ tokens }) => {
      asked.push(tokens.length);
    },
  });
}

describe('idle sequences', () => {
  it('are chosen by their common beginning with a text, before a new one is opened', async () => {
    const model = scripted();
    const idle = new IdleSequences(model);
    const [one, other] = [idle.take([]), idle.take([])];
    one.read.push(...tokenIds([0, 1, 2]));
    other.read.push(...tokenIds([0, 1, 1, 2]));
    idle.give(one);
    idle.give(other);
    expect(idle.take(tokenIds([0, 1, 1]))).toBe(other);
    expect(idle.take(tokenIds([2]))).toBe(one);
    expect(model.sequenceCount).toBe(2);
    idle.give(one);
    await Promise.all([idle.clear(), idle.clear()]);
    expect([model.sequenceCount, idle.closedCount]).toEqual([1, 1]);
    await idle.clear();
    expect([model.sequenceCount, idle.closedCount]).toEqual([1, 1]);
  });
});

/** Reads the prompt, then the tokens one by one. */
async function say(model: CachedModel, prompt: readonly number[], tokens: readonly number[]) {
  await using sequence = model.openSequence();
  const outputs = { program: PROGRAM, outputFrom: 0 };
  await sequence.forward({ ...outputs, tokens: tokenIds(prompt), outputFrom: prompt.length });
  for (const token of tokens) await sequence.forward({ ...outputs, tokens: tokenIds([token]) });
}

function cached(asked: number[], cellCount?: number, sequenceCountMax?: number) {
  const inner = scripted(asked, cellCount, sequenceCountMax);
  const store = new TrieStore(null, { modelDigest: 'any', engine: 'any' });
  return { inner, model: new CachedModel(inner, store, { keepsSequences: true }) };
}

describe('a model that remembers', () => {
  it('reads a prompt once for all requests that begin with it', async () => {
    const asked: number[] = [];
    const { inner, model } = cached(asked);
    await say(model, [0, 1, 2, 0], [1, 1]);
    expect(asked.splice(0)).toEqual([4, 1, 1]);
    // The first of these tokens is known. The sequence is truncated behind it, and reads nothing
    // again.
    await say(model, [0, 1, 2, 0], [1, 2, 2]);
    expect(asked.splice(0)).toEqual([1, 1]);
    expect(inner.sequenceCount).toBe(1);
    await model.rest();
    expect(inner.sequenceCount).toBe(0);
    await say(model, [0, 1, 2, 0], [1, 0]);
    expect(asked).toEqual([5, 1]);
  });

  it('makes room where idle sequences fill the cache', async () => {
    const asked: number[] = [];
    const { inner, model } = cached(asked, 10);
    {
      await using held = model.openSequence();
      const first = { tokens: tokenIds([0, 1, 2]), outputFrom: 2, program: PROGRAM };
      await held.forward(first);
      await say(model, [2, 1, 2, 2], [1, 1]);
      // Three tokens and six idle ones fill nine of ten cells: three more do not fit.
      await held.forward({ tokens: tokenIds([1, 1, 1]), outputFrom: 0, program: PROGRAM });
      expect(inner.sequenceCount).toBe(1);
    }
    await model.rest();
    expect(await inner.countCachedTokens()).toBe(0);
  });

  it('makes room for all forwards that find the cache full at the same time', async () => {
    const { inner, model } = cached([], 10, 3);
    await using first = model.openSequence();
    await using second = model.openSequence();
    const one = (token: number) => ({ tokens: tokenIds([token]), outputFrom: 0, program: PROGRAM });
    await first.forward(one(0));
    await second.forward(one(1));
    await say(model, [2, 1, 2, 2], [1, 1]);
    expect(inner.sequenceCount).toBe(3);
    // Two tokens and six idle ones fill eight of ten cells: neither forward fits.
    const three = { tokens: tokenIds([1, 1, 1]), outputFrom: 0, program: PROGRAM };
    const both = await Promise.all([first.forward(three), second.forward(three)]);
    expect(both.map(({ rows }) => rows.length)).toEqual([3, 3]);
    expect(inner.sequenceCount).toBe(2);
  });

  it('keeps no sequence whose forward found no room', async () => {
    const { inner, model } = cached([], 10, 3);
    await using held = model.openSequence();
    const tokens = (all: readonly number[]) => ({
      ...{ tokens: tokenIds(all), outputFrom: 0, program: PROGRAM },
    });
    await held.forward(tokens([0, 1, 1, 1, 1, 1, 1]));
    {
      await using failing = model.openSequence();
      await failing.forward(tokens([1]));
      await say(model, [2], [1]);
      expect(inner.sequenceCount).toBe(3);
      const refusal = { code: 'kv-full' };
      await expect(failing.forward(tokens([1, 1, 1, 1]))).rejects.toMatchObject(refusal);
      expect(inner.sequenceCount).toBe(2);
    }
    expect(inner.sequenceCount).toBe(1);
  });

  it('shares nothing with a live check', async () => {
    const asked: number[] = [];
    const { inner, model } = cached(asked);
    await say(model, [0, 1], [2]);
    model.remembers = false;
    asked.length = 0;
    await say(model, [0, 1], [2]);
    expect(asked).toEqual([2, 1]);
    expect(inner.sequenceCount).toBe(1);
  });
});
