import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { InvariantError, required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import { type TokenId, tokenIds } from '../core/token-id.ts';
import type { LanguageModel, Sequence } from '../model/roles.ts';
import type { ScriptedModelOptions } from '../model/scripted/scripted-model.ts';
import type { LocalSession } from '../session/local-session.ts';
import { soleSession } from '../session/sole-session.ts';
import type { KvAmounts } from './admission.ts';
import { HeldSequence } from './fakes/held-sequence.ts';
import { choiceBehind, PROGRAM, prefixModel } from './fakes/prefix-model.ts';
import { KvScheduler } from './kv-scheduler.ts';
import type { Lease } from './lease.ts';

/** Texts of different requests have nothing in common. */
const textOf = (first: number, length: number): TokenId[] =>
  tokenIds(Array.from({ length }, (_, index) => (first + index * 7) % 29));

async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((done) => setImmediate(done));
}

/** `done`, the code of the error, or `pending` if it goes on. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
  const ended = work.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
  return await Promise.race([ended, settle(20).then(() => 'pending')]);
}

interface Tenant {
  readonly lease: Lease;
  /** Reads the text up to that length, as the engine does: once more after somebody gave way. */
  readonly read: (length: number, id?: ModelId) => Promise<void>;
  /** The same without the second attempt. */
  readonly length: (id?: ModelId) => number;
  readonly abort: AbortController;
}

interface BenchOptions {
  readonly cellCount?: number;
  readonly sequenceCountMax?: number;
  readonly both?: boolean;
  readonly onForward?: ScriptedModelOptions['onForward'];
  /** Every sequence that is opened, in order. */
  readonly held?: HeldSequence[];
}

/** A model whose sequences a test can hold. */
function holdable(model: LanguageModel, held: HeldSequence[]): LanguageModel {
  return new Proxy(model, {
    get: (target, key) => {
      if (key === 'openSequence') {
        return (): Sequence => {
          const sequence = new HeldSequence(target.openSequence());
          held.push(sequence);
          return sequence;
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function bench(options: BenchOptions = {}) {
  const { cellCount = 60, sequenceCountMax = 4, both = false, onForward, held } = options;
  const model = (): LanguageModel => {
    const scripted = prefixModel({
      contextLength: cellCount,
      sequenceCountMax,
      ...(onForward === undefined ? {} : { onForward }),
    });
    return held === undefined ? scripted : holdable(scripted, held);
  };
  const models = new Map<ModelId, LanguageModel>([['large', model()]]);
  if (both) models.set('small', model());
  const room = new KvScheduler({ models, requestCountMax: sequenceCountMax, waitingCountMax: 9 });
  let entered = 0;
  const amounts = (cells: number): KvAmounts => ({
    ...(both ? { small: { cellCount: cells, sequenceCount: 1 } } : {}),
    large: { cellCount: cells, sequenceCount: 1 },
  });
  const enter = async (need: number, needMax: number, reuses = true): Promise<Tenant> => {
    const abort = new AbortController();
    const first = entered;
    entered += 1;
    const request = { need: amounts(need), needMax: amounts(needMax), reuses };
    const lease = await room.acquire(request, abort.signal);
    const sessions = new Map<ModelId, LocalSession>();
    const sessionOf = (id: ModelId): LocalSession => {
      const session =
        sessions.get(id) ??
        soleSession(required(models.get(id), 'the model is loaded'), {
          ...{ modelId: id, lease, promptLength: 4, rowCountMax: 64, signal: abort.signal },
        });
      sessions.set(id, session);
      return session;
    };
    const read = async (length: number, id: ModelId = 'large'): Promise<void> => {
      const text = textOf(first, length);
      const [row] = await sessionOf(id).rows({ text, outputCount: 1, purpose: 'verify' });
      expect(row?.tokenId).toBe(choiceBehind(text));
    };
    const length = (id: ModelId = 'large'): number => sessions.get(id)?.length ?? 0;
    return { lease, read, length, abort };
  };
  return { models, room, enter };
}

describe('where a cache is full', () => {
  it('the youngest gives way to those before it', async () => {
    const { room, enter } = bench();
    const [a, b, c] = [await enter(20, 50), await enter(20, 50), await enter(20, 50)];
    for (const holder of [a, b, c]) await holder.read(20);
    await a.read(25);
    expect([a, b, c].map(({ length }) => length())).toEqual([25, 20, 0]);
    await b.read(30);
    expect([a, b, c].map(({ lease }) => lease.preemptionCount)).toEqual([0, 0, 1]);
    for (const { lease } of [a, b, c]) await lease.release();
    await room.checkIdle();
  });

  it('the youngest that asks gives way itself, and comes back when the others are done', async () => {
    const { room, enter } = bench();
    const [a, b] = [await enter(30, 50), await enter(30, 50)];
    await a.read(30);
    await b.read(30);
    const reading = b.read(31);
    expect(await outcomeOf(reading)).toBe('pending');
    expect([a.length(), b.length()]).toEqual([30, 0]);
    expect(room.load).toEqual({ runningCount: 1, waitingCount: 1 });
    await a.read(50);
    await a.lease.release();
    await reading;
    expect(b.length()).toBe(31);
    await b.lease.release();
    await room.checkIdle();
  });

  it('the youngest waits, rather than an older one, even where it holds nothing yet', async () => {
    const { enter } = bench();
    const [a, b] = [await enter(20, 58), await enter(20, 40)];
    await a.read(58);
    const reading = b.read(20);
    expect(await outcomeOf(reading)).toBe('pending');
    expect(a.length()).toBe(58);
    expect([a, b].map(({ lease }) => lease.preemptionCount)).toEqual([0, 1]);
    await a.lease.release();
    await reading;
  });

  it('cached prefixes go first, and nobody gives way', async () => {
    const { room, enter } = bench();
    const a = await enter(20, 50);
    const b = await enter(20, 20);
    await b.read(20);
    await b.lease.release();
    expect(room.cached('large').cellCount).toBe(20);
    await a.read(41);
    expect(room.cached('large').cellCount).toBe(0);
    expect(a.lease.preemptionCount).toBe(0);
  });

  it('the one that is alone is told that it does not fit', async () => {
    const { models, enter } = bench();
    const a = await enter(20, 50);
    // Not the engine's: nobody can make it give way.
    const strange = models.get('large')?.openSequence();
    await strange?.forward({ tokens: textOf(3, 20), outputFrom: 20, program: PROGRAM });
    expect(await outcomeOf(a.read(41))).toBe('kv-full');
  });

  it('who asks waits for cells that are on their way out, and is not refused', async () => {
    const held: HeldSequence[] = [];
    const { enter } = bench({ held });
    const [a, b] = [await enter(20, 50), await enter(40, 40, false)];
    await b.read(40);
    await a.read(20);
    let resolve: () => void = () => undefined;
    const disposal = new Promise<void>((done) => {
      resolve = done;
    });
    for (const sequence of held.slice(0, 1)) sequence.hold = disposal;
    const leaving = b.lease.release();
    const reading = a.read(30);
    expect(await outcomeOf(reading)).toBe('pending');
    resolve();
    await leaving;
    expect(await outcomeOf(reading)).toBe('done');
  });

  it('only those who hold cells of that model give way, and only its prefixes go', async () => {
    const { room, enter } = bench({ both: true });
    const before = await enter(10, 10);
    await before.read(10, 'large');
    await before.lease.release();
    const [a, b] = [await enter(20, 50), await enter(20, 50)];
    for (const holder of [a, b]) await holder.read(20, 'small');
    const c = await enter(10, 10, false);
    await c.read(10, 'large');
    await a.read(41, 'small');
    const leases = [a, b, c];
    expect(leases.map(({ lease }) => lease.preemptionCount)).toEqual([0, 1, 0]);
    expect(leases.map(({ length }) => length('small'))).toEqual([41, 0, 0]);
    expect(c.length('large')).toBe(10);
    expect(room.cached('large').cellCount).toBe(10);
    for (const { lease } of leases) await lease.release();
    await room.checkIdle();
  });

  it('whoever asks and is alone in that model fails, though others hold cells of the other', async () => {
    const { models, enter } = bench({ both: true });
    const [a, b] = [await enter(20, 50), await enter(20, 50)];
    await b.read(20, 'large');
    const strange = models.get('small')?.openSequence();
    await strange?.forward({ tokens: textOf(3, 20), outputFrom: 20, program: PROGRAM });
    expect(await outcomeOf(a.read(41, 'small'))).toBe('kv-full');
    expect(b.lease.preemptionCount).toBe(0);
  });

  it('two that ask at the same time make one give way once', async () => {
    const { enter } = bench();
    const leases = [await enter(20, 50), await enter(20, 50), await enter(20, 50)];
    for (const holder of leases) await holder.read(20);
    const [a, b, c] = leases;
    await Promise.all([a?.read(25), b?.read(25)]);
    expect(leases.map(({ lease }) => lease.preemptionCount)).toEqual([0, 0, 1]);
    expect(c?.length()).toBe(0);
  });
});

describe('who gave way', () => {
  it('comes back before all that were never let in, and needs its worst case', async () => {
    const { room, enter } = bench();
    const [a, b] = [await enter(30, 40), await enter(30, 50)];
    await a.read(30);
    await b.read(30);
    const order: string[] = [];
    const later = enter(20, 20).then((holder) => {
      order.push('later');
      return holder;
    });
    // What it gives back may let one of those in that wait already; from then on it is the first.
    const reading = b.read(31).then(() => order.push('back'));
    await settle();
    expect(room.load).toEqual({ runningCount: 2, waitingCount: 1 });
    await (await later).lease.release();
    const last = enter(20, 20).then(() => order.push('last'));
    await settle();
    // 20 cells are free, for 30 it was let in at first; now it wants 50.
    expect(order).toEqual(['later']);
    expect(room.load).toEqual({ runningCount: 1, waitingCount: 2 });
    await a.lease.release();
    await reading;
    await settle();
    expect(order).toEqual(['later', 'back']);
    await b.lease.release();
    await last;
    expect(room.load).toEqual({ runningCount: 1, waitingCount: 0 });
  });

  it('is not let in again as long as those before it may want its cells once more', async () => {
    const { enter } = bench({ cellCount: 100 });
    const [a, b] = [await enter(30, 90), await enter(30, 60)];
    await a.read(60);
    await b.read(40);
    const reading = b.read(41);
    expect(await outcomeOf(reading)).toBe('pending');
    for (let length = 61; length <= 90; length += 1) {
      await a.read(length);
      await settle(1);
    }
    expect(b.lease.preemptionCount).toBe(1);
    await a.lease.release();
    await reading;
    await b.read(60);
    expect(b.lease.preemptionCount).toBe(1);
  });

  it('may give up waiting', async () => {
    const { room, enter } = bench();
    const [a, b] = [await enter(30, 50), await enter(30, 50)];
    await a.read(30);
    await b.read(30);
    const reading = b.read(31);
    expect(await outcomeOf(reading)).toBe('pending');
    b.abort.abort();
    expect(await outcomeOf(reading)).toBe('aborted');
    expect(room.load).toEqual({ runningCount: 1, waitingCount: 0 });
    await b.lease.release();
    await a.lease.release();
    await room.checkIdle();
  });

  it('may leave without coming back', async () => {
    const { room, enter } = bench();
    const [a, b] = [await enter(30, 50), await enter(30, 50)];
    await a.read(30);
    await b.read(30);
    await a.read(40);
    expect(room.load).toEqual({ runningCount: 1, waitingCount: 0 });
    await b.lease.release();
    await a.lease.release();
    expect(room.load).toEqual({ runningCount: 0, waitingCount: 0 });
    await room.checkIdle();
  });

  it('enters once, though both of its models want to be opened', async () => {
    const { room, enter } = bench({ both: true });
    const [a, b] = [await enter(30, 50), await enter(30, 40)];
    await a.read(30);
    await b.read(30);
    await a.read(40);
    const reading = Promise.all([b.read(20, 'small'), b.read(20, 'large')]);
    await settle();
    expect(room.load).toEqual({ runningCount: 1, waitingCount: 1 });
    await a.lease.release();
    await reading;
    expect(room.load).toEqual({ runningCount: 1, waitingCount: 0 });
    await b.lease.release();
    await room.checkIdle();
  });
});

/** Forwards of the marked text wait until the test lets them go. */
function slowForwards() {
  let resolve: () => void = () => undefined;
  const state = { isSlow: false, startedCount: 0 };
  const gate = new Promise<void>((done) => {
    resolve = done;
  });
  const onForward = async (): Promise<void> => {
    if (!state.isSlow) return;
    state.startedCount += 1;
    await gate;
  };
  return { state, onForward, resolve: () => resolve() };
}

describe('giving way in the middle of a forward', () => {
  it('lets nobody in before its cells and its slot are really free', async () => {
    const { state, onForward, resolve } = slowForwards();
    const { room, enter } = bench({ sequenceCountMax: 2, onForward });
    const [a, b] = [await enter(30, 50), await enter(30, 50)];
    await a.read(30);
    await b.read(30);
    state.isSlow = true;
    const under = b.read(30);
    await settle();
    state.isSlow = false;
    const making = a.lease.reclaim('large');
    const late = enter(10, 10).then(async (holder) => {
      await holder.read(10);
      await holder.lease.release();
    });
    expect(await outcomeOf(late)).toBe('pending');
    expect(await outcomeOf(making)).toBe('pending');
    resolve();
    await under;
    await making;
    expect(b.length()).toBe(0);
    await a.lease.release();
    await late;
    await b.lease.release();
    await room.checkIdle();
  });

  it('and leaving at the same time gives the reservation back once', async () => {
    const { state, onForward, resolve } = slowForwards();
    const { room, enter } = bench({ onForward });
    const [a, b] = [await enter(30, 50), await enter(30, 50)];
    await a.read(30);
    await b.read(30);
    state.isSlow = true;
    const under = b.read(30);
    await settle();
    const making = a.lease.reclaim('large');
    await settle();
    resolve();
    await under;
    await b.lease.release();
    await settle();
    expect(room.load).toEqual({ runningCount: 1, waitingCount: 0 });
    await making;
    state.isSlow = false;
    await a.lease.release();
    await room.checkIdle();
  });

  it('and leaving is waited for by the check of the room', async () => {
    const { state, onForward, resolve } = slowForwards();
    const { room, enter } = bench({ onForward });
    const [a, b] = [await enter(30, 50), await enter(30, 50)];
    await a.read(30);
    await b.read(30);
    state.isSlow = true;
    const under = b.read(30);
    await settle();
    const making = a.lease.reclaim('large');
    await settle();
    await a.lease.release();
    resolve();
    await under;
    await b.lease.release();
    await room.checkIdle();
    await making;
  });

  it.each(Array.from({ length: 16 }, (_, moment) => moment))(
    'blocks nobody, %i moments after it began to open its other model',
    async (moment) => {
      const { room, enter } = bench({ both: true });
      const [a, b] = [await enter(30, 50), await enter(30, 50)];
      await a.read(30);
      await b.read(30);
      const other = b.read(20, 'small');
      for (let turn = 0; turn < moment; turn += 1) await Promise.resolve();
      const making = a.lease.reclaim('large');
      expect(await outcomeOf(making)).toBe('done');
      await a.lease.release();
      expect(await outcomeOf(other)).toBe('done');
      await b.lease.release();
      await room.checkIdle();
    },
  );
});

describe('a sequence in doubt', () => {
  it('is on its way out like others: the next request waits for its slot', async () => {
    const held: HeldSequence[] = [];
    let fails = false;
    const onForward = async (): Promise<void> => {
      if (fails) throw new PilotfishError('native-failed', 'the context is lost');
    };
    const { room, enter } = bench({ sequenceCountMax: 1, held, onForward });
    const a = await enter(30, 30);
    await a.read(20);
    fails = true;
    expect(await outcomeOf(a.read(21))).toBe('native-failed');
    fails = false;
    let resolve: () => void = () => undefined;
    for (const sequence of held) {
      sequence.hold = new Promise<void>((done) => {
        resolve = done;
      });
    }
    const next = enter(30, 30);
    const leaving = a.lease.release();
    const reading = (await next).read(20);
    expect(await outcomeOf(reading)).toBe('pending');
    resolve();
    await leaving;
    expect(await outcomeOf(reading)).toBe('done');
    expect(room.cached('large').sequenceCount).toBe(0);
    await (await next).lease.release();
    await room.checkIdle();
  });
});

describe('who leaves', () => {
  it('opens nothing any more, nor waits for cells in front of others', async () => {
    const { room, enter } = bench();
    const [a, b] = [await enter(30, 50), await enter(30, 50)];
    await a.read(30);
    await b.read(30);
    await a.lease.reclaim('large');
    const reading = b.read(30);
    expect(await outcomeOf(reading)).toBe('pending');
    expect(room.load.waitingCount).toBe(1);
    await b.lease.release();
    expect(room.load.waitingCount).toBe(0);
    expect(await outcomeOf(reading)).toBe('disposed');
    expect(await outcomeOf(b.read(4, 'large'))).toBe('disposed');
    await a.lease.release();
    await room.checkIdle();
  });

  it('cannot be read for by a session that is opened later', async () => {
    const { models, room, enter } = bench();
    const { lease, abort } = await enter(30, 30);
    await lease.release();
    const late = soleSession(required(models.get('large'), 'the model is loaded'), {
      ...{ modelId: 'large', lease, promptLength: 4, rowCountMax: 64, signal: abort.signal },
    });
    const text = textOf(0, 10);
    const rows = late.rows({ text, outputCount: 1, purpose: 'verify' });
    expect(await outcomeOf(rows)).toBe('disposed');
    await room.checkIdle();
  });

  it('does not wait until its sequences are closed; the check of the room does', async () => {
    const held: HeldSequence[] = [];
    const { room, enter } = bench({ held });
    const a = await enter(30, 30, false);
    await a.read(20);
    let resolve: () => void = () => undefined;
    const closed = new Promise<void>((done) => {
      resolve = done;
    });
    for (const sequence of held) sequence.hold = closed;
    expect(await outcomeOf(a.lease.release())).toBe('done');
    const checking = room.checkIdle();
    expect(await outcomeOf(checking)).toBe('pending');
    resolve();
    await checking;
    expect(held.map(({ closedCount }) => closedCount)).toEqual([1]);
  });
});

describe('a room where nobody is', () => {
  it('keeps what was read, within what nobody has reserved', async () => {
    const { room, enter } = bench();
    const a = await enter(30, 30);
    await a.read(30);
    await a.lease.release();
    expect(room.cached('large')).toEqual({ cellCount: 30, sequenceCount: 1 });
    const b = await enter(40, 40);
    await b.read(5);
    expect(room.cached('large').cellCount).toBe(0);
    await b.lease.release();
    await settle();
    expect(room.cached('large').sequenceCount).toBe(0);
    await room.checkIdle();
  });

  it('is not idle as long as somebody stays, nor with a sequence left open', async () => {
    const { models, room, enter } = bench();
    const a = await enter(30, 30);
    await expect(room.checkIdle()).rejects.toThrow(InvariantError);
    await a.lease.release();
    await room.checkIdle();
    models.get('large')?.openSequence();
    await expect(room.checkIdle()).rejects.toThrow(InvariantError);
  });
});
