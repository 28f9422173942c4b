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

/** Makes texts without a common prefix for different requests. */
const textOf = (first: number, length: number): TokenId[] =>
  tokenIds(Array.from({ length }, (_, index) => (first + index * 7) % 29));

async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((done) => setImmediate(done));
}

/** `done`, the code of the error, or `pending` if the work has not ended. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
  const ended = work.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
  return await Promise.race([ended, settle(20).then(() => 'pending')]);
}

interface LeasedRequest {
  readonly lease: Lease;
  /** Reads the text up to that length as the engine does: a second time after a preemption. */
  readonly read: (length: number, id?: ModelId) => Promise<void>;
  /** The same without a second attempt. */
  readonly length: (id?: ModelId) => number;
  readonly abort: AbortController;
}

interface BenchOptions {
  readonly cellCount?: number;
  readonly sequenceCountMax?: number;
  readonly both?: boolean;
  readonly onForward?: ScriptedModelOptions['onForward'];
  /** All opened sequences, in order. */
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
  const enter = async (need: number, needMax: number, reuses = true): Promise<LeasedRequest> => {
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

describe('a full cache', () => {
  it('preempts the youngest request for those before it', async () => {
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

  it('preempts the youngest request for its own need, and readmits it after the others', async () => {
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

  it('makes the youngest wait rather than an older request, even where it holds nothing', async () => {
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

  it('evicts cached prefixes first, and then preempts no request', async () => {
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

  it('tells a request that is alone that it does not fit', async () => {
    const { models, enter } = bench();
    const a = await enter(20, 50);
    // A sequence that is not the engine's: it cannot be evicted.
    const strange = models.get('large')?.openSequence();
    await strange?.forward({ tokens: textOf(3, 20), outputFrom: 20, program: PROGRAM });
    expect(await outcomeOf(a.read(41))).toBe('kv-full');
  });

  it('makes a request wait for cells that are being freed, and does not refuse it', async () => {
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

  it('preempts only requests that hold cells of that model, and evicts only its prefixes', async () => {
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

  it('fails a request that is alone in that model, though others hold cells of the other', async () => {
    const { models, enter } = bench({ both: true });
    const [a, b] = [await enter(20, 50), await enter(20, 50)];
    await b.read(20, 'large');
    const strange = models.get('small')?.openSequence();
    await strange?.forward({ tokens: textOf(3, 20), outputFrom: 20, program: PROGRAM });
    expect(await outcomeOf(a.read(41, 'small'))).toBe('kv-full');
    expect(b.lease.preemptionCount).toBe(0);
  });

  it('preempts one request once for two that ask at the same time', async () => {
    const { enter } = bench();
    const leases = [await enter(20, 50), await enter(20, 50), await enter(20, 50)];
    for (const holder of leases) await holder.read(20);
    const [a, b, c] = leases;
    await Promise.all([a?.read(25), b?.read(25)]);
    expect(leases.map(({ lease }) => lease.preemptionCount)).toEqual([0, 0, 1]);
    expect(c?.length()).toBe(0);
  });
});

describe('a preempted request', () => {
  it('comes back before all that were never admitted, and needs its worst case', async () => {
    const { room, enter } = bench();
    const [a, b] = [await enter(30, 40), await enter(30, 50)];
    await a.read(30);
    await b.read(30);
    const order: string[] = [];
    const later = enter(20, 20).then((holder) => {
      order.push('later');
      return holder;
    });
    // Its cells may already admit one of the requests that wait. From then on it is the first.
    const reading = b.read(31).then(() => order.push('back'));
    await settle();
    expect(room.load).toEqual({ runningCount: 2, waitingCount: 1 });
    await (await later).lease.release();
    const last = enter(20, 20).then(() => order.push('last'));
    await settle();
    // 20 cells are free. At first it was admitted for 30; now it wants 50.
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

  it('is not readmitted while the requests before it may want its cells again', async () => {
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

  it('may stop waiting', async () => {
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

  it('may end without being readmitted', async () => {
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

  it('is readmitted once, though a second session comes to wait when the first has waited', async () => {
    const { room, enter } = bench();
    const [a, b] = [await enter(30, 50), await enter(30, 40)];
    await a.read(30);
    await b.read(30);
    await a.read(40);
    const open = () => b.lease.source('large').open(textOf(1, 20), 19);
    const [first, second] = [await open(), await open()];
    if (!('readmission' in first && 'readmission' in second)) throw new Error('it was preempted');
    const waited = first.readmission(b.abort.signal);
    await a.lease.release();
    await waited;
    expect(await outcomeOf(second.readmission(b.abort.signal))).toBe('done');
    expect(room.load).toEqual({ runningCount: 1, waitingCount: 0 });
    await b.lease.release();
    await room.checkIdle();
  });

  it('is readmitted once, though both of its models open a sequence', async () => {
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

/** Forwards of the marked text wait until the test lets them go on. */
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

/** `a` reclaims the cells of `b`, which is in the middle of a forward until `resolve`. */
async function reclaimedWhileReading() {
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
  return { state, room, a, b, under, making, resolve };
}

describe('a preemption in the middle of a forward', () => {
  it('admits no request before the cells and the slot are really free', async () => {
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

  it('gives the reservation back once if the request ends at the same time', async () => {
    const { state, room, a, b, under, making, resolve } = await reclaimedWhileReading();
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

  it('makes the check of idle caches wait until the request has ended', async () => {
    const { room, a, b, under, making, resolve } = await reclaimedWhileReading();
    await a.lease.release();
    resolve();
    await under;
    await b.lease.release();
    await room.checkIdle();
    await making;
  });

  it.each(Array.from({ length: 16 }, (_, moment) => moment))(
    'blocks no request, %i moments after it began to open its other model',
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
  it('is closed like others: the next request waits for its slot', async () => {
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

describe('a request that ends', () => {
  it('opens no sequence any more, and waits for no cells', async () => {
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

  it('refuses the rows of a session that is opened later', async () => {
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

  it('does not wait until its sequences are closed; the check of idle caches does', async () => {
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

describe('caches without a running request', () => {
  it('keep what was read, within the unreserved cells', async () => {
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

  it('are not idle while a lease is held, nor with a sequence left open', async () => {
    const { models, room, enter } = bench();
    const a = await enter(30, 30);
    await expect(room.checkIdle()).rejects.toThrow(InvariantError);
    await a.lease.release();
    await room.checkIdle();
    models.get('large')?.openSequence();
    await expect(room.checkIdle()).rejects.toThrow(InvariantError);
  });
});
