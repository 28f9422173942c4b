/** A thousand cancelled requests leave no sequence, handle or memory behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRandomPair, type RandomPair } from '../../src/testing/random-pair.ts';
import { manyCancelled } from './cancelled-requests.ts';

const ABORTED_COUNT = 1000;
const HEAP_GROWTH_BYTES_MAX = 8_000_000;
const RSS_GROWTH_BYTES_MAX = 48_000_000;
/** Garbage collection does not free everything at once, but a leak remains after any number of runs. */
const COLLECTION_COUNT = 20;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let pair: RandomPair;
beforeAll(async () => {
  pair = await openRandomPair({ speculative: { proposer: 'small', draftLength: 3 } });
});
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
});

it(`${ABORTED_COUNT} cancelled requests leak no sequence, memory or handle`, async () => {
  await manyCancelled(pair.engine, 100);
  const before = await measure();
  // A few requests end by themselves before they can be cancelled.
  expect(await manyCancelled(pair.engine, ABORTED_COUNT)).toBeGreaterThan(ABORTED_COUNT / 2);
  const after = await measure();
  expect(after.handles).toBeLessThanOrEqual(before.handles);
  expect(after.heap - before.heap).toBeLessThan(HEAP_GROWTH_BYTES_MAX);
  expect(after.rss - before.rss).toBeLessThan(RSS_GROWTH_BYTES_MAX);
});

async function measure(): Promise<{ heap: number; rss: number; handles: number }> {
  for (let turn = 0; turn < COLLECTION_COUNT; turn += 1) {
    // The executor's last turn of the event loop is no leak.
    await new Promise(setImmediate);
    collectGarbage();
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss, handles: process.getActiveResourcesInfo().length };
}
