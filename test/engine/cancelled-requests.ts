/** Requests that are cancelled in their middle, one after another. */
import { expect } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';

export const CANCELLED_STRATEGIES: readonly string[] = [
  'small',
  'large',
  'entropy@2',
  'margin@0.5',
  'random@0.5',
  'cascade@1',
  'speculative',
];

/** Runs until `eventCount` events came, then cancels in one of three ways. False if it was too late. */
async function cancelled(
  engine: Engine,
  request: GenerateRequest,
  eventCount: number,
  way: number,
): Promise<boolean> {
  const abort = new AbortController();
  let seen = 0;
  try {
    for await (const _event of engine.generate({ ...request, signal: abort.signal })) {
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

/** Cancels that many requests, in every way, and checks that each gave back its resources. */
export async function manyCancelled(engine: Engine, count: number): Promise<number> {
  let abortedCount = 0;
  for (let index = 0; index < count; index += 1) {
    const strategy = CANCELLED_STRATEGIES[index % CANCELLED_STRATEGIES.length] ?? 'small';
    const request = { prompt: 'the quick brown fox', strategy, seed: index, maxTokens: 40 };
    if (await cancelled(engine, request, 1 + (index % 7), index % 3)) abortedCount += 1;
    await engine.checkIdle();
  }
  return abortedCount;
}
