/** How a local session opens its sequence, gives it up, and tells its contents. */
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import type { WorkEvent } from '../core/events.ts';
import { InvariantError } from '../core/invariant.ts';
import { type TokenId, tokenIds } from '../core/token-id.ts';
import { HeldSequence } from '../kv-cache/fakes/held-sequence.ts';
import { choiceBehind, prefixModel } from '../kv-cache/fakes/prefix-model.ts';
import { soleLease } from '../kv-cache/lease.ts';
import { PrefixCache } from '../kv-cache/prefix-cache.ts';
import type { ScriptedModelOptions } from '../model/scripted/scripted-model.ts';
import type { OpenedSequence, Readmission, SequenceSource } from '../model/sequence-source.ts';
import type { LocalSession } from './local-session.ts';
import { soleSession } from './sole-session.ts';
import { WorkRecorder } from './work-recorder.ts';

const TEXT = tokenIds(Array.from({ length: 28 }, (_, index) => (index * 5) % 29));
const PROMPT_LENGTH = 20;

type OnForward = ScriptedModelOptions['onForward'];

/** A prefix cache that records its calls. */
function bench(onForward?: OnForward) {
  const model = prefixModel(onForward === undefined ? {} : { onForward });
  const cache = new PrefixCache({ model, room: () => ({ cellCount: 500, sequenceCount: 9 }) });
  const asked: number[] = [];
  const closed: (readonly TokenId[])[] = [];
  const state: { readmission: Readmission['readmission'] | null } = { readmission: null };
  const source: SequenceSource = {
    prefixLength: (text, lengthMax) => cache.prefixLength(text, lengthMax),
    open: async (text, lengthMax, signal) => {
      if (state.readmission !== null) return { readmission: state.readmission };
      asked.push(lengthMax);
      return await cache.open(text, lengthMax, signal);
    },
    close: (opened: OpenedSequence) => {
      closed.push(opened.tokens);
      return cache.close(opened);
    },
  };
  const recorder = new WorkRecorder();
  const open = (signal?: AbortSignal): LocalSession =>
    soleSession(model, {
      promptLength: PROMPT_LENGTH,
      source,
      recorder,
      ...(signal && { signal }),
    });
  return { model, cache, asked, closed, state, recorder, open };
}

async function rows(
  lazy: LocalSession,
  length: number,
  { outputCount = 1 }: { outputCount?: number } = {},
): Promise<void> {
  const text = TEXT.slice(0, length);
  const results = await lazy.rows({ text, outputCount, purpose: 'verify' });
  const behind = results.map((_, row) =>
    choiceBehind(text.slice(0, length - outputCount + 1 + row)),
  );
  expect(results.map(({ tokenId: choice }) => choice)).toEqual(behind);
}

const told = (events: readonly WorkEvent[]): string[] =>
  events.map(
    ({ purpose, rowCounts, reusedRowCount }) =>
      `${purpose} ${rowCounts.join('+')} reused ${reusedRowCount}`,
  );

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => setImmediate(done));
}

describe('opening', () => {
  it('waits for the first rows, and requests the prompt without its last token', async () => {
    const { model, asked, open } = bench();
    const lazy = open();
    expect(model.sequenceCount).toBe(0);
    await rows(lazy, PROMPT_LENGTH);
    expect(asked).toEqual([PROMPT_LENGTH - 1]);
    const early = open();
    await rows(early, PROMPT_LENGTH, { outputCount: 5 });
    expect(asked).toEqual([PROMPT_LENGTH - 1, PROMPT_LENGTH - 5]);
  });

  it('records the reused rows once, with the prefill that they shortened', async () => {
    const { recorder, open } = bench();
    const first = open();
    await rows(first, 12);
    await first[Symbol.asyncDispose]();
    recorder.drain();
    const second = open();
    await rows(second, PROMPT_LENGTH);
    await rows(second, PROMPT_LENGTH + 1);
    expect(told(recorder.drain())).toEqual([
      'prefill 7 reused 12',
      'verify 1 reused 0',
      'verify 1 reused 0',
    ]);
  });

  it('records them also where nothing was left to prefill', async () => {
    const { recorder, open } = bench();
    const first = open();
    await rows(first, PROMPT_LENGTH + 4);
    await first[Symbol.asyncDispose]();
    recorder.drain();
    await rows(open(), PROMPT_LENGTH);
    expect(told(recorder.drain())).toEqual(['prefill  reused 19', 'verify 1 reused 0']);
  });

  it('that fails leaves a session that can open its sequence again', async () => {
    const { model, open } = bench();
    const others = Array.from({ length: 16 }, () => model.openSequence());
    const lazy = open();
    await expect(rows(lazy, 10)).rejects.toMatchObject({ code: 'sequences-exhausted' });
    await others[0]?.[Symbol.asyncDispose]();
    await rows(lazy, 10);
  });
});

describe('a readmission', () => {
  it('is awaited, repeatedly if need be, before the sequence is opened', async () => {
    const { asked, state, open } = bench();
    let count = 0;
    state.readmission = async () => {
      count += 1;
      expect(asked).toEqual([]);
      await settle();
      if (count === 3) state.readmission = null;
    };
    await rows(open(), 10);
    expect([count, asked.length]).toEqual([3, 1]);
  });

  it('does not delay an eviction meanwhile', async () => {
    const { state, open } = bench();
    let enter: () => void = () => undefined;
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    state.readmission = async () => {
      await entered;
      state.readmission = null;
    };
    const lazy = open();
    const reading = rows(lazy, 10);
    await settle();
    await lazy.evict();
    enter();
    await reading;
  });

  it('does not concern a sequence that is open', async () => {
    const { state, open } = bench();
    const lazy = open();
    await rows(lazy, 10);
    state.readmission = () => Promise.reject(new InvariantError('it is open'));
    await rows(lazy, 11);
  });

  it('that fails makes the rows fail', async () => {
    const { state, open } = bench();
    state.readmission = (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const abort = new AbortController();
    const reading = rows(open(abort.signal), 10);
    await settle();
    abort.abort(new PilotfishError('aborted', 'enough'));
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('an eviction', () => {
  it('gives all cells back; the next rows are read anew and are the same', async () => {
    const { cache, closed, model, recorder, open } = bench();
    const lazy = open();
    await rows(lazy, 24);
    recorder.drain();
    await lazy.evict();
    expect([lazy.length, closed]).toEqual([0, [TEXT.slice(0, 24)]]);
    await cache.clear();
    expect(await model.countCachedTokens()).toBe(0);
    await rows(lazy, 25);
    expect(told(recorder.drain())).toEqual(['prefill 19 reused 0', 'verify 6 reused 0']);
    expect(lazy.length).toBe(25);
  });

  it('does not record the reused rows a second time', async () => {
    const { recorder, open } = bench();
    const first = open();
    await rows(first, PROMPT_LENGTH);
    await first[Symbol.asyncDispose]();
    const lazy = open();
    await rows(lazy, 22);
    recorder.drain();
    await lazy.evict();
    await rows(lazy, 22);
    // It finds its own text again, which is no gain from another request.
    expect(told(recorder.drain())).toEqual(['verify 3 reused 0']);
  });

  it('waits for the forward in flight', async () => {
    let resolve: () => void = () => undefined;
    const gate = new Promise<void>((done) => {
      resolve = done;
    });
    const { closed, open } = bench(() => gate);
    const lazy = open();
    const reading = rows(lazy, PROMPT_LENGTH);
    await settle();
    const evicted = lazy.evict();
    await settle();
    expect(closed).toEqual([]);
    resolve();
    await reading;
    await evicted;
    expect([lazy.length, closed.length]).toEqual([0, 1]);
    await rows(lazy, PROMPT_LENGTH);
  });

  it('has no effect on a sequence that was never opened, or was evicted before', async () => {
    const { closed, open } = bench();
    const lazy = open();
    await lazy.evict();
    await rows(lazy, 10);
    await lazy.evict();
    await lazy.evict();
    await lazy[Symbol.asyncDispose]();
    expect(closed).toHaveLength(1);
  });
});

describe('the known contents of a sequence that is closed', () => {
  const failing = async (error: Error): Promise<(readonly TokenId[])[]> => {
    let failure: unknown = null;
    const { closed, cache, open } = bench(async () => {
      if (failure !== null) throw failure;
    });
    const lazy = open();
    await rows(lazy, PROMPT_LENGTH);
    failure = error;
    await expect(rows(lazy, 25)).rejects.toThrow(error.message);
    await lazy[Symbol.asyncDispose]();
    await cache.checkIdle();
    return closed;
  };

  it.each([new PilotfishError('aborted', 'cancelled'), new PilotfishError('kv-full', 'no room')])(
    'are its text if a forward was only refused: $code',
    async (error) => {
      expect(await failing(error)).toEqual([TEXT.slice(0, PROMPT_LENGTH)]);
    },
  );

  it.each([
    new PilotfishError('native-failed', 'the context is lost'),
    new InvariantError('a bug'),
    new TypeError('a bug'),
  ])('are empty after any other failure: $message', async (error) => {
    expect(await failing(error)).toEqual([[]]);
  });

  it('are empty after a failure and a later refusal', async () => {
    const errors = [
      new PilotfishError('native-failed', 'lost'),
      new PilotfishError('aborted', 'cancelled'),
    ];
    let isFailing = false;
    const { closed, open } = bench(async () => {
      if (isFailing) throw errors.shift();
    });
    const lazy = open();
    await rows(lazy, PROMPT_LENGTH);
    isFailing = true;
    await expect(rows(lazy, 25)).rejects.toMatchObject({ code: 'native-failed' });
    await expect(rows(lazy, 25)).rejects.toMatchObject({ code: 'aborted' });
    await lazy[Symbol.asyncDispose]();
    expect(closed).toEqual([[]]);
  });

  it('are empty after a rollback that failed', async () => {
    const { closed, model, open } = bench();
    const lazy = open();
    await rows(lazy, 25);
    const broken = new PilotfishError('native-failed', 'no cut');
    const sequence = Object.getPrototypeOf(model.openSequence()) as { truncate: unknown };
    const { truncate } = sequence;
    sequence.truncate = () => Promise.reject(broken);
    await expect(rows(lazy, PROMPT_LENGTH)).rejects.toBe(broken);
    sequence.truncate = truncate;
    await lazy[Symbol.asyncDispose]();
    expect(closed).toEqual([[]]);
  });

  it('are known again for the next sequence, after one in doubt was given up', async () => {
    let failure: unknown = new PilotfishError('native-failed', 'lost');
    const { closed, open } = bench(async () => {
      if (failure !== null) throw failure;
    });
    const lazy = open();
    await expect(rows(lazy, 10)).rejects.toBe(failure);
    failure = null;
    await lazy.evict();
    await rows(lazy, 10);
    await lazy[Symbol.asyncDispose]();
    expect(closed).toEqual([[], TEXT.slice(0, 10)]);
  });
});

describe('a branch', () => {
  it("begins with its session's prefix, and leaves nothing to later requests", async () => {
    const { cache, closed, model, recorder, open } = bench();
    const session = open();
    await rows(session, 24);
    recorder.drain();
    const branch = session.fork();
    await rows(branch, 26);
    // Rows of its own request are no gain that a cache made.
    expect(told(recorder.drain())).toEqual(['verify 2 reused 0']);
    expect(model.sequenceCount).toBe(2);
    await branch[Symbol.asyncDispose]();
    expect([closed, cache.used.sequenceCount]).toEqual([[[]], 0]);
    await session[Symbol.asyncDispose]();
    expect(cache.used.cellCount).toBe(24);
  });

  it('of an unread session records what the cache spared, which is never the last prompt token', async () => {
    const { asked, recorder, open } = bench();
    const earlier = open();
    await rows(earlier, PROMPT_LENGTH + 4);
    await earlier[Symbol.asyncDispose]();
    recorder.drain();
    asked.length = 0;
    await rows(open().fork(), PROMPT_LENGTH + 4);
    expect(asked).toEqual([PROMPT_LENGTH - 1]);
    expect(told(recorder.drain())).toEqual(['prefill  reused 19', 'verify 5 reused 0']);
  });

  it('knows its unread length, from its session or from the cache', async () => {
    const { open } = bench();
    const earlier = open();
    await rows(earlier, 12);
    await earlier[Symbol.asyncDispose]();
    const session = open();
    const branch = session.fork();
    expect(branch.unreadLength(TEXT)).toBe(TEXT.length - 12);
    await rows(session, 24);
    expect(branch.unreadLength(TEXT)).toBe(TEXT.length - 24);
  });
});

describe('a cache that is full', () => {
  it("fails with the model's error where nothing can be reclaimed", async () => {
    const fields = { contextLength: 60 };
    const full = new PilotfishError('kv-full', 'no room', { remedy: 'Make some.', fields });
    const { open } = bench(() => Promise.reject(full));
    await expect(rows(open(), 25)).rejects.toBe(full);
  });
});

describe('a text that is longer than the context', () => {
  it('is refused without reclaiming cells, which would not help', async () => {
    const model = prefixModel({ contextLength: 22 });
    const lease = soleLease({ prefix: model });
    let reclaimCount = 0;
    const reclaim = async (): Promise<boolean> => {
      reclaimCount += 1;
      return true;
    };
    const options = { promptLength: PROMPT_LENGTH, modelId: 'prefix' };
    const session = soleSession(model, { ...options, lease: { ...lease, reclaim } });
    await rows(session, 22);
    await expect(rows(session, 23)).rejects.toMatchObject({
      ...{ code: 'kv-full', message: expect.stringContaining('context of 22') },
      fields: { length: 23, contextLength: 22 },
    });
    expect(reclaimCount).toBe(0);
    await rows(session, 21);
  });
});

describe('a rollback that waits for a batch of others', () => {
  it('does not delay a request that is aborted, which keeps nothing of the sequence', async () => {
    const inner = prefixModel();
    const held = new HeldSequence(inner.openSequence());
    const closed: (readonly TokenId[])[] = [];
    const controller = new AbortController();
    const { signal } = controller;
    const lazy = soleSession(inner, {
      source: {
        open: async () => ({ sequence: held, tokens: [] }),
        close: ({ sequence, tokens }) => {
          closed.push(tokens);
          return Promise.resolve(sequence[Symbol.asyncDispose]());
        },
      },
      promptLength: PROMPT_LENGTH,
      signal,
    });
    await rows(lazy, PROMPT_LENGTH + 3);
    let resolve: () => void = () => undefined;
    held.hold = new Promise<void>((done) => {
      resolve = done;
    });
    const aborted = rows(lazy, PROMPT_LENGTH + 1);
    await settle();
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    const closing = lazy[Symbol.asyncDispose]();
    resolve();
    await closing;
    expect(closed).toEqual([[]]);
    expect(inner.sequenceCount).toBe(0);
  });
});
