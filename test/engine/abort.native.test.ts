/** Cancelled requests stop, free their resources, and leave nothing behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/core/events.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { openRandomPair, type RandomPair } from '../../src/testing/random-pair.ts';
import { runs } from '../runs.ts';
import { CANCELLED_STRATEGIES, manyCancelled } from './cancelled-requests.ts';
import { collectEvents } from './collected-events.ts';

const CLOSED_COUNT = runs(7, 18);

let pair: RandomPair;
beforeAll(async () => {
  pair = await openRandomPair({ speculative: { proposer: 'small', draftLength: 3 } });
});
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
});

describe('cancelled requests', () => {
  it('leave an engine that answers as before', async () => {
    const request = { prompt: 'the fox', strategy: 'entropy@2', maxTokens: 30 };
    const before = await texts(request);
    await manyCancelled(pair.engine, runs(60, 300));
    expect(await texts(request)).toEqual(before);
  });

  it('wait in the queue without blocking those behind them', async () => {
    const abort = new AbortController();
    // It leaves room for the third request, not for the second.
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

  it('keep the events before the cancellation, work included', async () => {
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
  it('cancels running requests, and refuses new ones', async () => {
    const closing = await openRandomPair();
    const running = closing.engine.generate({ prompt: 'the fox', strategy: 'large' });
    await running.next();
    await running.next();
    const next = running.next();
    await closing[Symbol.asyncDispose]();
    await next.catch((error) => expect(error).toMatchObject({ code: 'disposed' }));
    await expect(collectEvents(running)).rejects.toMatchObject({ code: 'disposed' });
    const late = closing.engine.generate({ prompt: 'the fox', strategy: 'large' });
    await expect(late.next()).rejects.toMatchObject({ code: 'disposed' });
  });

  it('may be closed at any moment of a request', async () => {
    for (let moment = 0; moment < CLOSED_COUNT; moment += 1) {
      const closing = await openRandomPair({ speculative: { proposer: 'small', draftLength: 3 } });
      const strategy = CANCELLED_STRATEGIES[moment % CANCELLED_STRATEGIES.length] ?? 'small';
      const running = collectEvents(closing.engine.generate({ prompt: 'the fox', strategy }));
      const ended = running.catch((error: unknown) => error);
      for (let turn = 0; turn < moment; turn += 1) await new Promise(setImmediate);
      await closing[Symbol.asyncDispose]();
      const result = await ended;
      if (!Array.isArray(result)) expect(result).toMatchObject({ code: 'disposed' });
    }
  });
});

async function texts(request: GenerateRequest): Promise<string[]> {
  const events = await collectEvents(pair.engine.generate(request));
  return events.flatMap((event) => (event.type === 'token' ? [event.text] : []));
}
