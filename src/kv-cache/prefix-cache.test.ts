import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonLength } from '../core/common-length.ts';
import { PilotfishError } from '../core/errors.ts';
import { InvariantError, required } from '../core/invariant.ts';
import { type TokenId, tokenIds } from '../core/token-id.ts';
import type { ScriptedModel } from '../model/scripted/scripted-model.ts';
import type { OpenedSequence } from '../model/sequence-source.ts';
import type { KvAmount } from './admission.ts';
import { HeldSequence } from './fakes/held-sequence.ts';
import { choiceBehind, prefixModel, read } from './fakes/prefix-model.ts';
import { PrefixCache, REUSED_LENGTH_MIN } from './prefix-cache.ts';

const UNLIMITED: KvAmount = { cellCount: 1e9, sequenceCount: 1e9 };
const range = (from: number, to: number): TokenId[] =>
  tokenIds(Array.from({ length: to - from }, (_, index) => (from + index) % 29));

function bench(room: KvAmount = UNLIMITED, sequenceCountMax = 1000) {
  const model = prefixModel({ contextLength: 1e6, sequenceCountMax });
  const state = { room };
  const cache = new PrefixCache({ model, room: () => state.room });
  /** Runs a request that reads a text from its beginning to its end. */
  const run = async (text: readonly TokenId[]): Promise<number> => {
    const opened = await cache.open(text, text.length - 1);
    expect(await read(opened.sequence, text)).toBe(choiceBehind(text));
    await cache.close({ sequence: opened.sequence, tokens: text });
    return opened.tokens.length;
  };
  /** The length that a request would reuse of a text. Leaves nothing new in the cache. */
  const probe = async (text: readonly TokenId[]): Promise<number> => {
    const opened = await cache.open(text, text.length);
    await cache.close({ ...opened, tokens: [] });
    return opened.tokens.length;
  };
  return { model, cache, state, run, probe };
}

const outcome = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );

describe('PrefixCache', () => {
  it('gives the longest common prefix, at most the requested length', async () => {
    const { cache, run } = bench();
    await run(range(0, 20));
    await run([...range(0, 12), ...range(20, 28)]);
    expect(cache.prefixLength([...range(0, 15), ...range(3, 9)], 100)).toBe(15);
    expect(cache.prefixLength(range(0, 20), 11)).toBe(11);
    expect(cache.prefixLength(range(5, 25), 11)).toBe(0);
    const opened = await cache.open([...range(0, 15), ...range(3, 9)], 100);
    expect(opened.tokens).toEqual(range(0, 15));
    const capped = await cache.open(range(0, 20), 11);
    expect(capped.tokens).toEqual(range(0, 11));
    expect(capped.sequence.length).toBe(11);
  });

  it('reuses no short prefixes, and keeps no short texts', async () => {
    const { cache, run, probe } = bench();
    await run(range(0, REUSED_LENGTH_MIN - 1));
    expect(cache.used).toEqual({ cellCount: 0, sequenceCount: 0 });
    await run(range(0, REUSED_LENGTH_MIN));
    expect(cache.used).toEqual({ cellCount: REUSED_LENGTH_MIN, sequenceCount: 1 });
    expect(await probe(range(0, REUSED_LENGTH_MIN))).toBe(REUSED_LENGTH_MIN);
    expect(await probe([...range(0, REUSED_LENGTH_MIN - 1), ...range(20, 25)])).toBe(0);
    const opened = await cache.open(range(0, REUSED_LENGTH_MIN), REUSED_LENGTH_MIN - 1);
    expect(opened.tokens).toEqual([]);
  });

  it('keeps a text once, without its prefixes, in either order of arrival', async () => {
    const { cache, model, run } = bench();
    await run(range(0, 10));
    await run(range(0, 18));
    expect(cache.used).toEqual({ cellCount: 18, sequenceCount: 1 });
    await run(range(0, 14));
    expect(cache.used).toEqual({ cellCount: 18, sequenceCount: 1 });
    expect(model.sequenceCount).toBe(1);
  });

  it('evicts the least recently used entry first, and reading counts as use', async () => {
    const { cache, state, run, probe } = bench({ cellCount: 45, sequenceCount: 10 });
    const texts = [0, 1, 2].map((first) => [...range(first, first + 1), ...range(3, 13)]);
    const [a, b, c] = texts as [TokenId[], TokenId[], TokenId[]];
    for (const text of texts) await run(text);
    expect(cache.used.sequenceCount).toBe(3);
    expect(await probe(a)).toBe(11);
    state.room = { cellCount: 30, sequenceCount: 10 };
    await cache.close({ ...(await cache.open(range(20, 22), 1)), tokens: [] });
    expect(cache.used.sequenceCount).toBe(2);
    expect(await probe(b)).toBe(0);
    expect(await probe(a)).toBe(11);
    expect(await probe(c)).toBe(11);
  });

  it('takes an entry over where there is no room for both', async () => {
    for (const room of [
      { cellCount: 19, sequenceCount: 9 },
      { cellCount: 99, sequenceCount: 0 },
    ]) {
      const { cache, model, state, run } = bench();
      await run(range(0, 20));
      state.room = room;
      const opened = await cache.open([...range(0, 15), ...range(20, 25)], 100);
      expect(opened.tokens).toEqual(range(0, 15));
      expect(opened.sequence.length).toBe(15);
      expect(cache.used.sequenceCount).toBe(0);
      expect(model.sequenceCount).toBe(1);
      await cache.close(opened);
    }
  });

  it('evicts no entries for a text that does not fit alone', async () => {
    const { cache, state, run } = bench();
    await run(range(0, 10));
    await run(range(5, 15));
    const opened = await cache.open(range(10, 25), 15);
    await read(opened.sequence, range(10, 25));
    state.room = { cellCount: 20, sequenceCount: 5 };
    await cache.close({ ...opened, tokens: range(10, 25).concat(range(0, 10)) });
    expect(cache.used).toEqual({ cellCount: 20, sequenceCount: 2 });
  });

  it('keeps and finds no prefix for requests that share nothing', async () => {
    const { cache, run } = bench();
    const apart = cache.unshared();
    const first = await apart.open(range(0, 20), 20);
    await read(first.sequence, range(0, 20));
    await apart.close({ ...first, tokens: range(0, 20) });
    expect(cache.used.sequenceCount).toBe(0);
    await run(range(0, 20));
    const second = await apart.open(range(0, 20), 20);
    expect(second.tokens).toEqual([]);
    await apart.close(second);
    await cache.checkIdle();
  });

  it('ends waiting for its turn with its request', async () => {
    const { cache, run } = bench();
    await run(range(0, 20));
    const controller = new AbortController();
    const first = cache.open(range(0, 20), 20);
    const second = outcome(cache.open(range(0, 20), 20, controller.signal));
    controller.abort();
    expect(await second).toMatchObject({ code: 'aborted' });
    await cache.close(await first);
    await cache.checkIdle();
  });
});

/** A cache with one entry that the test holds. */
async function heldBench(room: KvAmount = UNLIMITED, sequenceCountMax = 1000) {
  const made = bench(room, sequenceCountMax);
  const held = new HeldSequence(made.model.openSequence());
  await read(held, range(0, 20));
  await made.cache.close({ sequence: held, tokens: range(0, 20) });
  let resolve: () => void = () => undefined;
  held.hold = new Promise<void>((done) => {
    resolve = done;
  });
  return { ...made, held, gate: { resolve } };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('an entry that is being forked', () => {
  it('is kept until the fork has ended, through all other events', async () => {
    const { cache, state, held, gate } = await heldBench();
    const opening = cache.open(range(0, 25), 20);
    await settle();
    const longer = await bench().model.openSequence();
    await cache.close({ sequence: longer, tokens: range(0, 28) });
    expect(await cache.clear()).toBe(true);
    state.room = { cellCount: 0, sequenceCount: 0 };
    expect(await cache.clear()).toBe(false);
    expect(held.closedCount).toBe(0);
    gate.resolve();
    const opened = await opening;
    expect(opened.tokens).toEqual(range(0, 20));
    expect(await read(opened.sequence, range(0, 22))).toBe(choiceBehind(range(0, 22)));
    expect(await cache.clear()).toBe(true);
    expect(held.closedCount).toBe(1);
    await cache.close({ ...opened, tokens: [] });
    await cache.checkIdle();
  });

  it('is intact after a fork that fails', async () => {
    const { cache, held, gate, probe } = await heldBench();
    held.failure = new PilotfishError('native-failed', 'no fork');
    gate.resolve();
    expect(await outcome(cache.open(range(0, 20), 20))).toMatchObject({ code: 'native-failed' });
    held.failure = null;
    expect(await probe(range(0, 20))).toBe(20);
    await cache.checkIdle();
  });
});

describe('a request that is aborted while it opens', () => {
  it.each([
    { way: 'forks', room: UNLIMITED, kept: 20 },
    { way: 'takes an entry over', room: { cellCount: 0, sequenceCount: 0 }, kept: 19 },
  ])('learns of it at once where it $way, and its sequence is closed', async (given) => {
    const { cache, model, state, held, gate, probe } = await heldBench();
    state.room = given.room;
    const controller = new AbortController();
    const opening = outcome(cache.open(range(0, 20), 19, controller.signal));
    await settle();
    controller.abort();
    expect(await opening).toMatchObject({ code: 'aborted' });
    // It has ended, so its room is free again.
    state.room = UNLIMITED;
    const checking = cache.checkIdle();
    expect(await Promise.race([checking, settle().then(() => 'pending')])).toBe('pending');
    held.hold = Promise.resolve();
    gate.resolve();
    await checking;
    expect(model.sequenceCount).toBe(1);
    // The entry that others may want is still there.
    expect(await probe(range(0, 20))).toBe(given.kept);
  });

  it('does not wait for itself if it is aborted as its turn begins', async () => {
    const { cache } = await heldBench();
    const controller = new AbortController();
    const opening = outcome(cache.open(range(5, 20), 15, controller.signal));
    controller.abort();
    expect(await opening).toMatchObject({ code: 'aborted' });
    expect(await Promise.race([cache.checkIdle(), settle().then(() => 'pending')])).toBe(undefined);
  });

  it('learns of it at once while it waits for a slot, and takes none', async () => {
    const { cache, model, state, gate } = await heldBench(UNLIMITED, 1);
    state.room = { cellCount: 1000, sequenceCount: 0 };
    const controller = new AbortController();
    const opening = outcome(cache.unshared().open(range(5, 20), 15, controller.signal));
    await settle();
    controller.abort();
    expect(await opening).toMatchObject({ code: 'aborted' });
    gate.resolve();
    await cache.checkIdle();
    expect(model.sequenceCount).toBe(0);
  });
});

describe('a sequence that is being closed', () => {
  it('delays the request that needs its slot', async () => {
    const { cache, state, gate } = await heldBench(UNLIMITED, 1);
    state.room = { cellCount: 1000, sequenceCount: 0 };
    const opening = cache.open(range(5, 20), 15);
    await settle();
    gate.resolve();
    expect((await opening).tokens).toEqual([]);
  });

  it('delays clear, which says that cells come free', async () => {
    const { cache, held, gate } = await heldBench();
    const first = cache.clear();
    let second: boolean | null = null;
    const waiting = cache.clear().then((freed) => {
      second = freed;
    });
    await settle();
    expect([held.closedCount, second]).toEqual([1, null]);
    gate.resolve();
    await waiting;
    expect([await first, second]).toEqual([true, true]);
    expect(await cache.clear()).toBe(false);
  });

  it('is no failure where its model was closed', async () => {
    const { cache, held, gate } = await heldBench();
    held.failure = new PilotfishError('disposed', 'The model was closed.');
    gate.resolve();
    await expect(cache.clear()).resolves.toBe(true);
  });

  it('makes the cache fail from then on if it cannot be closed', async () => {
    const { cache, held, gate } = await heldBench();
    held.failure = new InvariantError('it stays');
    gate.resolve();
    await expect(cache.clear()).rejects.toThrow('it stays');
    await expect(cache.open(range(0, 9), 9)).rejects.toThrow('it stays');
    await expect(cache.checkIdle()).rejects.toThrow('it stays');
  });

  it('is given back after a take-over that failed', async () => {
    const { cache, model, state, held, gate } = await heldBench();
    state.room = { cellCount: 0, sequenceCount: 0 };
    const opening = outcome(cache.open(range(0, 10), 9));
    await settle();
    held.hold = Promise.resolve();
    held.failure = new PilotfishError('native-failed', 'no cut');
    gate.resolve();
    expect(await opening).toMatchObject({ code: 'native-failed' });
    expect(held.closedCount).toBe(1);
    expect(cache.used.sequenceCount).toBe(0);
    held.failure = null;
    expect(model.sequenceCount).toBe(1);
  });
});

describe('the check of an idle cache', () => {
  it('passes, and fails on a sequence that was left open', async () => {
    const { cache, model, run } = bench();
    await run(range(0, 20));
    await cache.checkIdle();
    const leak = model.openSequence();
    await expect(cache.checkIdle()).rejects.toThrow(/2 sequences are open, 1 are cached/);
    await leak[Symbol.asyncDispose]();
    await cache.checkIdle();
  });

  it('fails on tokens that no entry accounts for', async () => {
    const { cache, model } = bench();
    const opened = await cache.open(range(0, 12), 12);
    await read(opened.sequence, range(0, 12));
    await cache.close({ ...opened, tokens: range(0, 11) });
    await expect(cache.checkIdle()).rejects.toThrow(/holds 12 tokens, the prefix cache 11/);
    expect(model.sequenceCount).toBe(1);
  });

  it('fails where the entries exceed the room', async () => {
    const { cache, state, run } = bench();
    await run(range(0, 20));
    state.room = { cellCount: 19, sequenceCount: 4 };
    await expect(cache.checkIdle()).rejects.toThrow(InvariantError);
  });
});

type Command =
  | { readonly kind: 'open'; readonly text: TokenId[]; readonly lengthMax: number }
  | { readonly kind: 'feed' | 'close'; readonly which: number; readonly count: number }
  | { readonly kind: 'clear' }
  | { readonly kind: 'room'; readonly room: KvAmount };

const TEXT_LENGTH_MAX = 28;
/** Few beginnings and two tokens, so that texts share long prefixes. */
const anyText = fc
  .tuple(
    fc.nat({ max: 2 }),
    fc.integer({ min: 4, max: 20 }),
    fc.array(fc.nat({ max: 1 }), { maxLength: 7 }),
  )
  .map(([first, length, tail]) => {
    const beginning = Array.from({ length }, (_, index) => (index + first) % 3);
    return tokenIds([...beginning, ...tail, first]);
  });
const anyRoom = fc.record({
  cellCount: fc.nat({ max: 120 }),
  sequenceCount: fc.nat({ max: 5 }),
});
const commandsOf = (changesRoom: boolean): fc.Arbitrary<Command[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('open' as const),
          text: anyText,
          lengthMax: fc.oneof(fc.nat({ max: TEXT_LENGTH_MAX }), fc.constant(TEXT_LENGTH_MAX)),
        }),
      },
      {
        weight: 10,
        arbitrary: fc.record({
          kind: fc.constantFrom('feed' as const, 'close' as const),
          which: fc.nat({ max: 9 }),
          count: fc.integer({ min: 5, max: 30 }),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
      {
        weight: changesRoom ? 3 : 0,
        arbitrary: fc.record({ kind: fc.constant('room' as const), room: anyRoom }),
      },
    ),
    { maxLength: 50, size: 'max' },
  );

/** Keeps every text for ever. */
class NaiveCache {
  texts: (readonly TokenId[])[] = [];

  longest(text: readonly TokenId[], lengthMax: number): number {
    const lengths = this.texts.map((known) => Math.min(commonLength(known, text), lengthMax));
    const best = Math.max(0, ...lengths);
    return best < REUSED_LENGTH_MIN ? 0 : best;
  }
}

interface Running {
  readonly opened: OpenedSequence;
  readonly text: readonly TokenId[];
}

/** A random series of commands, beside the naive cache. */
class Trial {
  readonly naive = new NaiveCache();
  readonly state: { room: KvAmount };
  readonly model: ScriptedModel = prefixModel({ contextLength: 1e6, sequenceCountMax: 1000 });
  readonly cache: PrefixCache;
  readonly running: Running[] = [];
  reusedCount = 0;
  belowNaiveCount = 0;

  constructor(room: KvAmount) {
    this.state = { room };
    this.cache = new PrefixCache({ model: this.model, room: () => this.state.room });
  }

  async run(command: Command): Promise<void> {
    if (command.kind === 'room') {
      this.state.room = command.room;
      return;
    }
    if (command.kind === 'clear') {
      await this.cache.clear();
      this.naive.texts = [];
      expect(this.cache.used.sequenceCount).toBe(0);
    } else if (command.kind === 'open') await this.#open(command.text, command.lengthMax);
    else if (this.running.length > 0) {
      const index = command.which % this.running.length;
      const running = required(this.running[index], 'it runs');
      if (command.kind === 'feed') return await feed(running, command.count);
      this.running.splice(index, 1);
      await this.close(running);
    }
    const { used } = this.cache;
    if (command.kind === 'open') {
      expect(used.cellCount).toBeLessThanOrEqual(this.state.room.cellCount);
      expect(used.sequenceCount).toBeLessThanOrEqual(this.state.room.sequenceCount);
    }
    // The running requests and the entries: no other sequence is open.
    expect(this.model.sequenceCount).toBe(used.sequenceCount + this.running.length);
  }

  async close({ opened, text }: Running): Promise<void> {
    const tokens = text.slice(0, opened.sequence.length);
    if (tokens.length >= REUSED_LENGTH_MIN) this.naive.texts.push(tokens);
    await this.cache.close({ sequence: opened.sequence, tokens });
  }

  async #open(text: readonly TokenId[], lengthMax: number): Promise<void> {
    const expected = this.naive.longest(text, lengthMax);
    const opened = await this.cache.open(text, lengthMax);
    expect(opened.tokens).toEqual(text.slice(0, opened.tokens.length));
    expect(opened.sequence.length).toBe(opened.tokens.length);
    expect(opened.tokens.length).toBeLessThanOrEqual(expected);
    if (this.state.room === UNLIMITED) expect(opened.tokens.length).toBe(expected);
    if (opened.tokens.length > 0) this.reusedCount += 1;
    if (opened.tokens.length < expected) this.belowNaiveCount += 1;
    this.running.push({ opened, text });
  }
}

/** Feeds the text and checks that the model saw all of it, whatever part of it was in the cache. */
async function feed({ opened, text }: Running, count: number): Promise<void> {
  const { sequence } = opened;
  if (sequence.length === text.length) await sequence.truncate(Math.max(0, text.length - count));
  const part = text.slice(0, Math.min(text.length, sequence.length + count));
  expect(await read(sequence, part)).toBe(choiceBehind(part));
}

describe('a prefix cache, after any series of requests', () => {
  const check = async (changesRoom: boolean): Promise<Trial> => {
    const total = new Trial(UNLIMITED);
    await fc.assert(
      fc.asyncProperty(commandsOf(changesRoom), anyRoom, async (commands, room) => {
        const trial = new Trial(changesRoom ? room : UNLIMITED);
        for (const command of commands) await trial.run(command);
        for (const running of trial.running.splice(0)) await trial.close(running);
        // No request runs any more, so all the room is free.
        trial.state.room = UNLIMITED;
        await trial.cache.checkIdle();
        await trial.cache.clear();
        expect(trial.model.sequenceCount).toBe(0);
        total.reusedCount += trial.reusedCount;
        total.belowNaiveCount += trial.belowNaiveCount;
      }),
      { numRuns: 300 },
    );
    return total;
  };

  it('spares as much as a cache that keeps everything, where there is room', async () => {
    expect((await check(false)).reusedCount).toBeGreaterThan(0);
  });

  it('spares at most that in a tight room, and stays within it', async () => {
    const { reusedCount, belowNaiveCount } = await check(true);
    expect(reusedCount).toBeGreaterThan(0);
    expect(belowNaiveCount).toBeGreaterThan(0);
  });

  it('serves requests at the same time as it serves them one by one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { maxLength: 12 }), anyRoom, async (texts, room) => {
        const trial = new Trial(room);
        for (let wave = 0; wave < 3; wave += 1) {
          await Promise.all(
            texts.map(async (text) => {
              const opened = await trial.cache.open(text, text.length - 1);
              await feed({ opened, text }, text.length);
              await trial.close({ opened, text });
            }),
          );
          await trial.cache.checkIdle();
          expect(trial.cache.used.sequenceCount).toBeLessThanOrEqual(room.sequenceCount);
        }
      }),
      { numRuns: 100 },
    );
  });
});
