/** Streams of the engine that begin together, each read by its own asynchronous loop. */
import { invariant } from '../../src/core/invariant.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { StreamTimes } from './stream-times.ts';

/**
 * @param requests per loop, sent one after the other
 * @returns arrival times of every loop's tokens
 */
export function runEngineLoad(
  engine: Engine,
  requests: readonly (readonly GenerateRequest[])[],
): Promise<StreamTimes[]> {
  const began = performance.now();
  return Promise.all(
    requests.map(async (ofLoop) => {
      const times: number[] = [];
      for (const request of ofLoop) times.push(...(await readStream(engine, request, began)));
      return times;
    }),
  );
}

async function readStream(
  engine: Engine,
  request: GenerateRequest,
  began: number,
): Promise<number[]> {
  const times: number[] = [];
  for await (const event of engine.generate(request)) {
    if (event.type === 'token') times.push(performance.now() - began);
  }
  // A shorter answer would make the engine look faster than it is.
  const wanted = request.maxTokens;
  invariant(times.length === wanted, `the answer ended after ${times.length} of ${wanted} tokens`);
  return times;
}
