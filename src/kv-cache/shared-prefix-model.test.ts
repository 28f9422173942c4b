import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GREEDY } from '../core/sampling-params.ts';
import { type TokenId, tokenIds } from '../core/token-id.ts';
import { untilAborted } from '../core/until-aborted.ts';
import type { ForwardRequest, LanguageModel, Sequence } from '../model/roles.ts';
import { ScriptedModel, type ScriptedModelOptions } from '../model/scripted/scripted-model.ts';
import { SHARED_LENGTH_MIN, SharedPrefixModel } from './shared-prefix-model.ts';

const SIZE = 5;
const PREFIX = tokenIds(Array.from({ length: SHARED_LENGTH_MIN + 8 }, (_, at) => (at * 3) % 4));
const PROGRAM = {
  vocabularySize: SIZE,
  sampling: GREEDY,
  seed: 1,
  purpose: 'sample',
  logprob: true,
} as const;

function scripted(options: Partial<ScriptedModelOptions> = {}): ScriptedModel {
  return new ScriptedModel({
    tokens: ['a', 'b', 'c', 'd', ''],
    endOfGeneration: [4],
    next: (prefix) => {
      const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 1009, 7);
      return Array.from({ length: SIZE }, (_, id) => ((hash * (id + 2)) % 17) + 1);
    },
    rowCountMax: 16,
    contextLength: 96,
    cellCount: 800,
    sequenceCountMax: 4,
    ...options,
  });
}

/** A model that shares `PREFIX`, and the rows of the forwards that the inner one was asked for. */
async function sharing(options: Partial<ScriptedModelOptions> = {}) {
  const asked: number[] = [];
  const inner = scripted({
    ...options,
    onForward: async (request, signal) => {
      await options.onForward?.(request, signal);
      asked.push(request.tokens.length);
    },
  });
  const model = new SharedPrefixModel(inner);
  const length = await model.share([
    [...PREFIX, ...tokenIds([0])],
    [...PREFIX, ...tokenIds([1])],
  ]);
  expect(length).toBe(PREFIX.length);
  return { inner, model, take: () => asked.splice(0) };
}

/** A promise that is settled from outside. */
function deferred() {
  let settle = { resolve: (): void => undefined, reject: (_: Error): void => undefined };
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, resolve: () => settle.resolve(), reject: (e: Error) => settle.reject(e) };
}

function request(tokens: readonly TokenId[], outputFrom = tokens.length): ForwardRequest {
  return { tokens, outputFrom, program: PROGRAM };
}

/** Reads a text in forwards of so many rows, the last row with output. */
async function read(model: LanguageModel, text: readonly TokenId[], size = 16) {
  await using sequence = model.openSequence();
  for (let from = 0; from < text.length - 1; from += size) {
    await sequence.forward(request(text.slice(from, Math.min(from + size, text.length - 1))));
  }
  return (await sequence.forward(request(text.slice(-1), 0))).rows;
}

describe('a shared prefix', () => {
  it('is read once, by the first text that needs it', async () => {
    const { inner, model, take } = await sharing();
    const texts = [[2, 1], [1, 1], [3]].map((end) => [...PREFIX, ...tokenIds(end)]);
    expect(take()).toEqual([]);
    for (const text of texts) expect(await read(model, text)).toEqual(await read(scripted(), text));
    // Two and a half chunks of the prefix, then what texts have of their own.
    expect(take()).toEqual([16, 16, 8, 1, 1, 1, 1, 1]);
    expect([model.sequenceCount, inner.sequenceCount]).toEqual([0, 1]);
    await model[Symbol.asyncDispose]();
    expect(inner.sequenceCount).toBe(0);
  });

  it('is read once for texts that come together', async () => {
    const { model, take } = await sharing();
    const texts = [
      [2, 1],
      [1, 1],
      [3, 0],
    ].map((end) => [...PREFIX, ...tokenIds(end)]);
    await Promise.all(texts.map((text) => read(model, text)));
    expect(take().reduce((sum, rows) => sum + rows, 0)).toBe(PREFIX.length + 6);
  });

  it('is forked where a text parts with it, or asks for rows', async () => {
    const { model, take } = await sharing();
    await using sequence = model.openSequence();
    await sequence.forward(request(PREFIX.slice(0, 10)));
    await sequence.forward(request([...PREFIX.slice(10, 20), ...tokenIds([4, 4])]));
    expect(take()).toEqual([16, 16, 8, 2]);
    await using other = model.openSequence();
    await other.forward(request(PREFIX.slice(0, 10), 7));
    expect(take()).toEqual([3]);
    expect([sequence.length, other.length]).toEqual([22, 10]);
  });

  it('is what all texts have in common, if that is much', async () => {
    const model = new SharedPrefixModel(scripted());
    const short = PREFIX.slice(0, SHARED_LENGTH_MIN - 1);
    expect(await model.share([short, short])).toBe(0);
    expect(await model.share([PREFIX])).toBe(0);
    expect(await model.share([])).toBe(0);
    const parting = [...PREFIX.slice(0, 35), ...tokenIds([4])];
    expect(await model.share([PREFIX, parting, PREFIX])).toBe(35);
  });

  it('gives way to another one when no text is open', async () => {
    const { inner, model, take } = await sharing();
    await read(model, [...PREFIX, ...tokenIds([1])]);
    take();
    expect(await model.share([])).toBe(0);
    expect(inner.sequenceCount).toBe(0);
    await read(model, PREFIX.slice(0, 17));
    expect(take()).toEqual([16, 1]);
    await using _open = model.openSequence();
    await expect(model.share([])).rejects.toThrow('texts are shared before any is read');
  });

  it('that could not be read fails who asked, and is tried again', async () => {
    let fails = true;
    const { inner, model } = await sharing({
      onForward: async () => {
        if (fails) throw new Error('no room');
      },
    });
    const text = [...PREFIX, ...tokenIds([1])];
    await expect(read(model, text)).rejects.toThrow('no room');
    expect([model.sequenceCount, inner.sequenceCount]).toEqual([0, 0]);
    fails = false;
    expect(await read(model, text)).toEqual(await read(scripted(), text));
  });

  it('that has no sequence at first is read when there is one', async () => {
    const { inner, model } = await sharing();
    const text = [...PREFIX, ...tokenIds([1])];
    const taken = Array.from({ length: 4 }, () => inner.openSequence());
    await expect(read(model, text)).rejects.toMatchObject({ code: 'sequences-exhausted' });
    for (const one of taken) await one[Symbol.asyncDispose]();
    expect(await read(model, text)).toEqual(await read(scripted(), text));
  });

  it('keeps nobody waiting who gives up, and is read on for the others', async () => {
    const gate = deferred();
    const { inner, model, take } = await sharing({ onForward: () => gate.promise });
    const text = [...PREFIX, ...tokenIds([1])];
    const stop = new AbortController();
    await using sequence = model.openSequence();
    await sequence.forward(request(PREFIX.slice(0, 16)));
    const given = sequence.forward(request(tokenIds([4])), stop.signal);
    const other = read(model, text);
    stop.abort();
    await expect(given).rejects.toMatchObject({ code: 'aborted' });
    expect([take(), sequence.length, inner.sequenceCount]).toEqual([[], 16, 1]);
    gate.resolve();
    expect(await other).toEqual(await read(scripted(), text));
    expect(inner.sequenceCount).toBe(1);
  });

  it('fails all who wait for it when it fails', async () => {
    const gate = deferred();
    const { inner, model } = await sharing({ onForward: () => gate.promise });
    const text = [...PREFIX, ...tokenIds([1])];
    const both = Promise.allSettled([read(model, text), read(model, text)]);
    gate.reject(new Error('no room'));
    const failed = { status: 'rejected', reason: new Error('no room') };
    expect(await both).toEqual([failed, failed]);
    expect([model.sequenceCount, inner.sequenceCount]).toEqual([0, 0]);
  });

  it('is not read to its end when the model is closed', async () => {
    const asked: number[] = [];
    const inner = scripted({
      onForward: async (_, signal) => {
        asked.push(1);
        await untilAborted(new Promise(() => undefined), signal);
      },
    });
    const model = new SharedPrefixModel(inner);
    await model.share([PREFIX, PREFIX]);
    const waiting = read(model, [...PREFIX, ...tokenIds([1])]);
    await expect.poll(() => asked.length).toBe(1);
    const closed = model[Symbol.asyncDispose]();
    await expect(waiting).rejects.toMatchObject({ code: 'disposed' });
    await closed;
    expect([asked.length, inner.sequenceCount]).toEqual([1, 0]);
  });

  it('of very many texts', async () => {
    const model = new SharedPrefixModel(scripted());
    expect(await model.share(Array(200_000).fill(PREFIX))).toBe(PREFIX.length);
  });

  it('takes one sequence of the model', async () => {
    const { model } = await sharing();
    expect(model.facts.sequenceCountMax).toBe(3);
    await using _a = model.openSequence();
    await using _b = model.openSequence();
    await using c = model.openSequence();
    expect(() => model.openSequence()).toThrow('All 3 sequences are in use.');
    await expect(c.fork()).rejects.toMatchObject({ code: 'sequences-exhausted' });
    await model[Symbol.asyncDispose]();
    expect(() => model.openSequence()).toThrow('The model was closed.');
  });
});

type Step =
  | { readonly feeds: 'prefix' | 'other'; readonly count: number; readonly outputs: number }
  | { readonly does: 'cut' | 'fork'; readonly share: number };

/** What is done with one sequence: tokens of the prefix or others, cuts and copies. */
const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    feeds: fc.constantFrom('prefix' as const, 'prefix' as const, 'other' as const),
    count: fc.integer({ min: 1, max: 16 }),
    outputs: fc.nat(2),
  }),
  fc.record({
    does: fc.constantFrom('cut' as const, 'fork' as const),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);

async function walk(model: LanguageModel, steps: readonly Step[]) {
  const seen: unknown[] = [];
  let current: Sequence = model.openSequence();
  for (const step of steps) {
    if ('does' in step) {
      const length = Math.floor(step.share * current.length);
      if (step.does === 'cut') await current.truncate(length);
      else {
        const copy = await current.fork(length);
        await current[Symbol.asyncDispose]();
        current = copy;
      }
    } else {
      const ahead = PREFIX.slice(current.length, current.length + step.count);
      const tokens = step.feeds === 'prefix' && ahead.length > 0 ? ahead : tokenIds([4, 4, 4]);
      const fed = tokens.slice(0, step.count);
      const forward = current.forward(request(fed, Math.max(0, fed.length - step.outputs)));
      seen.push(await forward.then(({ rows }) => rows).catch(({ code }) => code));
    }
    seen.push(current.length);
  }
  await current[Symbol.asyncDispose]();
  return seen;
}

describe('a model that shares a prefix', () => {
  it('looks like one that does not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { maxLength: 20 }), async (steps) => {
        const { model } = await sharing();
        expect(await walk(model, steps)).toEqual(await walk(scripted(), steps));
        expect(model.sequenceCount).toBe(0);
      }),
    );
  });
});
