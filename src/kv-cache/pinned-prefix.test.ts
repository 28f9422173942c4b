import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { required } from '../core/invariant.ts';
import { type TokenId, tokenIds } from '../core/token-id.ts';
import { untilAborted } from '../core/until-aborted.ts';
import type { ScriptedModelOptions } from '../model/scripted/scripted-model.ts';
import type { OpenSource } from '../model/sequence-source.ts';
import { choiceBehind, prefixModel, read } from './fakes/prefix-model.ts';
import { PrefixCache } from './prefix-cache.ts';

const PIN = tokenIds(Array.from({ length: 150 }, (_, at) => (at * 3) % 29));
const behind = (...end: number[]): TokenId[] => [...PIN, ...tokenIds(end)];
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A pool that pins `PIN`, and the rows of the forwards that its model was asked for. */
async function pinning(options: Partial<ScriptedModelOptions> = {}, pin = PIN) {
  const asked: number[] = [];
  const model = prefixModel({
    rowCountMax: 512,
    ...options,
    onForward: async (request, signal) => {
      asked.push(request.tokens.length);
      await options.onForward?.(request, signal);
    },
  });
  const pool = new PrefixCache({ model });
  await pool.pin(pin);
  /** Opens, reads and closes. @returns how many tokens were there already */
  const run = async (text: readonly TokenId[], source: OpenSource = pool, signal?: AbortSignal) => {
    const opened = await source.open(text, text.length - 1, signal);
    try {
      expect(await read(opened.sequence, text)).toBe(choiceBehind(text));
    } finally {
      const { sequence } = opened;
      await source.close({ sequence, tokens: text.slice(0, sequence.length) });
    }
    return opened.tokens.length;
  };
  return { model, pool, run, take: () => asked.splice(0) };
}

/** A promise that is settled from outside. */
function deferred() {
  let settlers = { resolve: (): void => undefined, reject: (_: Error): void => undefined };
  const promise = new Promise<void>((resolve, reject) => {
    settlers = { resolve, reject };
  });
  return { promise, ...settlers };
}

describe('a pinned prefix', () => {
  it('is read once, in short forwards, by the first text that needs it', async () => {
    const { model, pool, run, take } = await pinning();
    expect(take()).toEqual([]);
    expect(await run(behind(1, 2))).toBe(PIN.length);
    expect(take()).toEqual([64, 64, 22, 2]);
    await pool.clear();
    expect(await run(behind(3, 4, 5))).toBe(PIN.length);
    expect(take()).toEqual([3]);
    await pool.checkIdle();
    await pool[Symbol.asyncDispose]();
    expect([model.sequenceCount, await model.countCachedTokens()]).toEqual([0, 0]);
  });

  it('is read in forwards that the model can take', async () => {
    const { run, take } = await pinning({ rowCountMax: 60 });
    await run(behind(1));
    expect(take()).toEqual([60, 60, 30, 1]);
  });

  it('is read once for texts that come together', async () => {
    const { run, take } = await pinning();
    await Promise.all([[1, 2], [2, 1], [3]].map((end) => run(behind(...end))));
    expect(take().reduce((sum, rows) => sum + rows, 0)).toBe(PIN.length + 5);
  });

  it('is forked where a text parts with it, and never in full where less is asked for', async () => {
    const { pool } = await pinning();
    const parting = await pool.open([...PIN.slice(0, 40), ...tokenIds([28, 28])], 42);
    expect(parting.tokens).toEqual(PIN.slice(0, 40));
    const within = await pool.open(PIN, 30);
    expect([within.tokens, within.sequence.length]).toEqual([PIN.slice(0, 30), 30]);
    expect(pool.prefixLength(PIN, 30)).toBe(30);
    expect((await pool.open(tokenIds([5, 4]), 1)).tokens).toEqual([]);
  });

  it('serves also texts that must not depend on what ran before, and they leave nothing', async () => {
    const { pool, run, take } = await pinning();
    await run(behind(1, 2));
    take();
    expect(await run(behind(1, 2, 3), pool.unshared())).toBe(PIN.length);
    expect(take()).toEqual([3]);
    expect(pool.used).toEqual({ cellCount: PIN.length + 2, sequenceCount: 1 });
    await pool.checkIdle();
  });

  it('is replaced by the next, or by none', async () => {
    const { model, pool, run, take } = await pinning();
    await run(behind(1));
    const next = tokenIds(Array.from({ length: 40 }, (_, at) => 28 - (at % 29)));
    await pool.clear();
    await pool.pin(next);
    expect([model.sequenceCount, await model.countCachedTokens()]).toEqual([0, 0]);
    take();
    await run(behind(1));
    expect(take()).toEqual([PIN.length + 1]);
    expect(await run([...next, ...tokenIds([1, 2])])).toBe(40);
    await pool.clear();
    await pool.pin([]);
    expect(model.sequenceCount).toBe(0);
    expect(await run([...next, ...tokenIds([1, 2])])).toBe(0);
  });

  it('keeps no text that it covers', async () => {
    const { pool } = await pinning();
    await pool.close(await pool.open(PIN, PIN.length));
    expect(pool.used.sequenceCount).toBe(0);
    await pool.checkIdle();
  });

  it('that could not be read fails the text that asked, and is tried again by the next', async () => {
    const failing = { fails: true };
    const { model, run } = await pinning({
      onForward: async () => {
        if (failing.fails) throw new Error('no room');
      },
    });
    await expect(run(behind(1))).rejects.toThrow('no room');
    expect(model.sequenceCount).toBe(0);
    failing.fails = false;
    expect(await run(behind(1))).toBe(PIN.length);
  });

  it('fails all that wait for it where it cannot be read, and leaves nothing open', async () => {
    const gate = deferred();
    const { model, pool, run } = await pinning({ onForward: () => gate.promise });
    const both = Promise.allSettled([run(behind(1)), run(behind(2))]);
    gate.reject(new Error('no room'));
    const failed = { status: 'rejected', reason: new Error('no room') };
    expect(await both).toEqual([failed, failed]);
    expect(model.sequenceCount).toBe(0);
    await pool.checkIdle();
  });

  it('that has no sequence at first is read when there is one', async () => {
    const { model, run } = await pinning({ sequenceCountMax: 2 });
    const taken = [model.openSequence(), model.openSequence()];
    await expect(run(behind(1))).rejects.toMatchObject({ code: 'sequences-exhausted' });
    for (const one of taken) await one[Symbol.asyncDispose]();
    expect(await run(behind(1))).toBe(PIN.length);
  });

  it('keeps no aborted text waiting, and is read on for the others', async () => {
    const gate = deferred();
    const { pool, run, take } = await pinning({ onForward: () => gate.promise });
    const [first, second] = [new AbortController(), new AbortController()];
    const aborted = [first, second].map(({ signal }) =>
      expect(pool.open(behind(1), PIN.length, signal)).rejects.toMatchObject({ code: 'aborted' }),
    );
    const other = run(behind(2));
    await settle();
    first.abort();
    second.abort();
    await Promise.all(aborted);
    expect(take()).toEqual([64]);
    gate.resolve();
    expect(await other).toBe(PIN.length);
    expect(take()).toEqual([64, 22, 1]);
    await pool.checkIdle();
  });

  it('is not read to its end where the pool is closed', async () => {
    const { model, pool, run, take } = await pinning({
      onForward: (_, signal) => untilAborted(new Promise(() => undefined), signal),
    });
    const waiting = expect(run(behind(1))).rejects.toMatchObject({ code: 'disposed' });
    await settle();
    await pool[Symbol.asyncDispose]();
    await waiting;
    expect([take(), model.sequenceCount]).toEqual([[64], 0]);
  });
});

describe('a pool without reservations', () => {
  it('gives a text the entry with the longest common prefix, cut to that prefix', async () => {
    const { model, pool, run } = await pinning({}, []);
    const [one, other] = [behind(1, 1, 1), tokenIds(Array.from({ length: 20 }, (_, at) => at))];
    await Promise.all([run(one), run(other)]);
    expect([pool.used.sequenceCount, model.sequenceCount]).toEqual([2, 2]);
    const opened = await pool.open(behind(1, 2), PIN.length + 2);
    expect([opened.tokens, opened.sequence.length]).toEqual([behind(1), PIN.length + 1]);
    expect(pool.used).toEqual({ cellCount: 20, sequenceCount: 1 });
    await pool.close(opened);
    expect(await run(other)).toBe(19);
    expect(model.sequenceCount).toBe(2);
  });

  it('keeps a sequence for each text, and gives up the oldest where the model has no other', async () => {
    const { model, pool, run } = await pinning({ sequenceCountMax: 5 });
    const wave = async (from: number): Promise<number[]> => {
      const texts = [0, 1, 2].map((one) => behind(10 * from + one, 1, 1, 1));
      const opened = await Promise.all(texts.map((text) => pool.open(text, text.length - 1)));
      for (const [index, text] of texts.entries()) {
        const { sequence } = required(opened[index], 'it was opened');
        expect(await read(sequence, text)).toBe(choiceBehind(text));
        await pool.close({ sequence, tokens: text });
      }
      return opened.map(({ tokens }) => tokens.length);
    };
    expect(await wave(0)).toEqual([150, 150, 150]);
    // A text that shares nothing has the sequence that is left.
    await run(tokenIds(Array.from({ length: 20 }, () => 7)));
    expect([pool.used.sequenceCount, model.sequenceCount]).toEqual([4, 5]);
    expect(await wave(0)).toEqual([153, 153, 153]);
    expect(await wave(1)).toEqual([150, 150, 150]);
    expect([pool.used.sequenceCount, model.sequenceCount]).toEqual([4, 5]);
    expect(await wave(1)).toEqual([153, 153, 153]);
    await pool.checkIdle();
  });

  it('gives up entries for a pin that is not read, and for texts that leave nothing', async () => {
    const { model, pool, run } = await pinning({ sequenceCountMax: 3 });
    const others = [5, 6, 7].map((one) => tokenIds(Array.from({ length: 20 }, () => one)));
    for (const text of others) await run(text);
    expect(pool.used.sequenceCount).toBe(2);
    expect(await run(behind(1), pool.unshared())).toBe(PIN.length);
    expect([pool.used.sequenceCount, model.sequenceCount]).toEqual([1, 2]);
  });

  it('gives a text the pin where no entry shares more', async () => {
    const { pool, run } = await pinning();
    const parting = [...PIN.slice(0, 20), ...tokenIds([28, 28])];
    await run(parting);
    expect(await run(behind(1, 2))).toBe(PIN.length);
    expect(pool.used.sequenceCount).toBe(2);
    expect(await run(parting)).toBe(21);
  });
});

describe('any texts side by side, without reservations', () => {
  it('are read as they would be alone, in the sequences that there are', async () => {
    const anyText = fc
      .tuple(fc.integer({ min: 0, max: 30 }), fc.array(fc.nat(2), { minLength: 1, maxLength: 12 }))
      .map(([shared, own]) => [...PIN.slice(0, shared), ...tokenIds(own)]);
    const wave = fc.array(fc.record({ text: anyText, isShared: fc.boolean() }), { maxLength: 3 });
    let reusedCount = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(wave, { maxLength: 8 }), async (waves) => {
        // Three texts, the pin, and an entry.
        const { model, pool, run } = await pinning({ sequenceCountMax: 5 }, PIN.slice(0, 20));
        for (const texts of waves) {
          const reading = texts.map(({ text, isShared }) =>
            run(text, isShared ? pool : pool.unshared()),
          );
          for (const reused of await Promise.all(reading)) reusedCount += Number(reused > 20);
          await pool.checkIdle();
        }
        await pool[Symbol.asyncDispose]();
        expect(model.sequenceCount).toBe(0);
      }),
      { numRuns: 200 },
    );
    expect(reusedCount).toBeGreaterThan(10);
  });
});
