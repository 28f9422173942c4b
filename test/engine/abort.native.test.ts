/** Cancelled requests stop, free what they hold, and leave nothing behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/core/events.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { openRandomPair, type RandomPair } from '../../src/testing/random-pair.ts';

const ABORTED_COUNT = 1000;
const CLOSED_COUNT = 18;
const STRATEGIES = [
  'small',
  'large',
  'entropy@2',
  'margin@0.5',
  'random@0.5',
  'cascade@1',
  'speculative',
];
/** Growth of the heap that a thousand requests may leave, garbage collection being what it is. */
const HEAP_GROWTH_BYTES_MAX = 8_000_000;
const RSS_GROWTH_BYTES_MAX = 48_000_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let pair: RandomPair;
beforeAll(async () => {
  pair = await openRandomPair({ speculative: { proposer: 'small', draftLength: 3 } });
});
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
});

/** Runs until `eventCount` events were seen, then cancels in one of three ways: false if too late. */
async function cancelled(
  request: GenerateRequest,
  eventCount: number,
  way: number,
): Promise<boolean> {
  const abort = new AbortController();
  let seen = 0;
  try {
    for await (const _event of pair.engine.generate({ ...request, signal: abort.signal })) {
      seen += 1;
      if (seen < eventCount) continue;
      if (way === 0) return true;
      if (way === 1) abort.abort();
      if (way === 2) setImmediate(() => abort.abort());
    }
  } catch (error) {
    expect(error).toMatchObject({ code: 'aborted' });
    return true;
  }
  return false;
}

async function manyCancelled(count: number): Promise<number> {
  let abortedCount = 0;
  for (let index = 0; index < count; index += 1) {
    const strategy = STRATEGIES[index % STRATEGIES.length] ?? 'small';
    const request = { prompt: 'the quick brown fox', strategy, seed: index, maxTokens: 40 };
    if (await cancelled(request, 1 + (index % 7), index % 3)) abortedCount += 1;
    await pair.engine.checkIdle();
  }
  return abortedCount;
}

describe('cancelled requests', () => {
  it(`leak no sequence, memory or handle, ${ABORTED_COUNT} of them`, async () => {
    await manyCancelled(100);
    const before = await measure();
    // A few end by themselves before they can be cancelled.
    expect(await manyCancelled(ABORTED_COUNT)).toBeGreaterThan(ABORTED_COUNT * 0.9);
    const after = await measure();
    expect(after.handles).toBeLessThanOrEqual(before.handles);
    expect(after.heap - before.heap).toBeLessThan(HEAP_GROWTH_BYTES_MAX);
    expect(after.rss - before.rss).toBeLessThan(RSS_GROWTH_BYTES_MAX);
  }, 120_000);

  it('leave an engine that answers as before', async () => {
    const request = { prompt: 'the fox', strategy: 'entropy@2', maxTokens: 30 };
    const before = await texts(request);
    await manyCancelled(30);
    expect(await texts(request)).toEqual(before);
  });

  it('wait in the queue without blocking those behind them', async () => {
    const abort = new AbortController();
    // It leaves room for the third, not for the second.
    const first = pair.engine.generate({ prompt: 'the fox', strategy: 'large', maxTokens: 200 });
    await first.next();
    const { signal } = abort;
    const second = texts({ prompt: 'a', strategy: 'large', maxTokens: 300, signal });
    const third = texts({ prompt: 'in the', strategy: 'large', maxTokens: 5 });
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    expect(pair.engine.load).toEqual({ runningCount: 1, waitingCount: 2 });
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'aborted' });
    expect((await third).length).toBeGreaterThan(0);
    await first.return();
    await pair.engine.checkIdle();
  });

  it('keep the events that came before, work included', async () => {
    const abort = new AbortController();
    const events: EngineEvent[] = [];
    await expect(async () => {
      const request = { prompt: 'the fox', strategy: 'large', signal: abort.signal };
      for await (const event of pair.engine.generate(request)) {
        events.push(event);
        if (events.filter(({ type }) => type === 'token').length === 3) abort.abort();
      }
    }).rejects.toMatchObject({ code: 'aborted' });
    expect(events.filter(({ type }) => type === 'token').length).toBeGreaterThanOrEqual(3);
    expect(events.some(({ type }) => type === 'work')).toBe(true);
  });
});

describe('a closed engine', () => {
  it('cancels what runs, and refuses what comes', async () => {
    const closing = await openRandomPair();
    const running = closing.engine.generate({ prompt: 'the fox', strategy: 'large' });
    await running.next();
    await running.next();
    const next = running.next();
    await closing[Symbol.asyncDispose]();
    await next.catch((error) => expect(error).toMatchObject({ code: 'disposed' }));
    await expect(collect(running)).rejects.toMatchObject({ code: 'disposed' });
    const late = closing.engine.generate({ prompt: 'the fox', strategy: 'large' });
    await expect(late.next()).rejects.toMatchObject({ code: 'disposed' });
  });

  it('may be closed at any moment of a request', async () => {
    for (let moment = 0; moment < CLOSED_COUNT; moment += 1) {
      const closing = await openRandomPair({ speculative: { proposer: 'small', draftLength: 3 } });
      const strategy = STRATEGIES[moment % STRATEGIES.length] ?? 'small';
      const running = collect(closing.engine.generate({ prompt: 'the fox', strategy }));
      const ended = running.catch((error: unknown) => error);
      for (let turn = 0; turn < moment; turn += 1) await new Promise(setImmediate);
      await closing[Symbol.asyncDispose]();
      const result = await ended;
      if (!Array.isArray(result)) expect(result).toMatchObject({ code: 'disposed' });
    }
  });
});

async function collect(events: AsyncIterable<EngineEvent>): Promise<EngineEvent[]> {
  const all: EngineEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

async function texts(request: GenerateRequest): Promise<string[]> {
  const events = await collect(pair.engine.generate(request));
  return events.flatMap((event) => (event.type === 'token' ? [event.text] : []));
}

async function measure(): Promise<{ heap: number; rss: number; handles: number }> {
  // The executor's last turn of the event loop is no leak.
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss, handles: process.getActiveResourcesInfo().length };
}
