/**
 * Many requests at once on real llama.cpp with random weights: batched output equals one-by-one
 * output, room is reserved and given back, and a cancelled request does not disturb its neighbours.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineEvent, WorkEvent } from '../../src/core/events.ts';
import { tokenIds } from '../../src/core/token-id.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { asStrategy } from '../../src/strategy/strategy-value.ts';
import { openRandomPair, type RandomPair } from '../../src/testing/random-pair.ts';
import { teacherForce } from '../../src/testing/teacher-force.ts';
import { collectEvents, tokenIdsOf } from './collected-events.ts';

const STRATEGIES = [
  'small',
  'large',
  'entropy@2',
  'margin@0.5',
  'random@0.5',
  'cascade@1',
  'speculative',
  'rsd-likelihood@0.3',
  'rsd-large-likelihood@0.001',
  'random-step@0.5',
  'majority',
];
const STREAM_COUNT = 8;
/** A near-tie for these random weights, in logits: forwards of other shapes differed by up to 0.014. */
const NEAR_TIE = 0.03;
const PROMPTS = ['the quick brown fox', 'in the an on', 'a\nb\nc', '12345'];

let pair: RandomPair;
beforeEach(async () => {
  pair = await openRandomPair({ speculative: { proposer: 'small', draftLength: 3 } });
});
afterEach(async () => {
  await pair.engine.checkIdle();
  expect(pair.engine.load).toEqual({ runningCount: 0, waitingCount: 0 });
  await pair[Symbol.asyncDispose]();
});

const collect = (request: GenerateRequest): Promise<EngineEvent[]> =>
  collectEvents(pair.engine.generate(request));

function requests(): GenerateRequest[] {
  return STRATEGIES.flatMap((strategy, seed) =>
    PROMPTS.map((prompt) => ({
      prompt,
      strategy,
      seed,
      maxTokens: 24,
      sampling: { temperature: seed % 2 },
    })),
  );
}

describe('requests side by side', () => {
  it('write the same texts as one by one, up to near-ties', async () => {
    const alone: number[][] = [];
    for (const request of requests()) alone.push(tokenIdsOf(await collect(request)));
    const together = (await Promise.all(requests().map(collect))).map(tokenIdsOf);
    let otherCount = 0;
    for (const [index, request] of requests().entries()) {
      if (JSON.stringify(together[index]) === JSON.stringify(alone[index])) continue;
      otherCount += 1;
      // Batches of other shapes run other kernels. The text must still be the model's own choice.
      const { prompt = '', sampling = {}, seed = 0 } = request;
      const strategy = asStrategy(request.strategy ?? '').text;
      if (!['small', 'large', 'speculative'].includes(strategy)) continue;
      const model = strategy === 'small' ? pair.small : pair.large;
      const forced = await teacherForce(
        model,
        model.vocabulary.tokenize(prompt),
        tokenIds(together[index] ?? []),
        { sampling, seed },
      );
      expect(forced.worstGap).toBeLessThan(NEAR_TIE);
    }
    expect(otherCount).toBeLessThan(requests().length / 4);
  });

  it('share native batches', async () => {
    const streams = Array.from({ length: STREAM_COUNT }, (_, seed) => ({
      prompt: 'the fox',
      strategy: 'large',
      seed,
      maxTokens: 24,
      sampling: { temperature: 1 },
    }));
    const before = pair.large.batchCount;
    const work = (await Promise.all(streams.map(collect)))
      .flat()
      .filter((event): event is WorkEvent => event.type === 'work');
    const forwards = work.reduce((sum, { rowCounts }) => sum + rowCounts.length, 0);
    const batches = pair.large.batchCount - before;
    // Streams of one length would share every batch. Streams that end early leave narrower batches.
    expect(forwards / batches).toBeGreaterThan(STREAM_COUNT / 2);
  });

  it('share native batches in the steps of RSD, drafted and corrected', async () => {
    const run = async (requests: readonly GenerateRequest[]) => {
      const before = { small: pair.small.batchCount, large: pair.large.batchCount };
      const events = (await Promise.all(requests.map(collect))).flat();
      const forwardsOf = (model: string): number =>
        events
          .filter((event): event is WorkEvent => event.type === 'work' && event.model === model)
          .reduce((sum, { rowCounts }) => sum + rowCounts.length, 0);
      const start = events.find((event) => event.type === 'start');
      const { small = '', large = '' } = start?.labels ?? {};
      return {
        small: forwardsOf(small) / (pair.small.batchCount - before.small),
        large: forwardsOf(large) / (pair.large.batchCount - before.large),
      };
    };
    const request = { prompt: 'the fox', strategy: 'rsd-likelihood@0.99', maxTokens: 24 };
    const two = [1, 2].map((seed) => ({ ...request, seed, sampling: { temperature: 1 } }));
    const widths = await run(two);
    // Both draft at once, and both correct at once.
    expect(widths.small).toBeGreaterThan(1.3);
    expect(widths.large).toBeGreaterThan(1.3);
    // The samples of one request share batches, too.
    const one = { ...request, strategy: 'majority', seed: 1, sampling: { temperature: 1 } };
    expect((await run([one])).small).toBeGreaterThan(2);
  });

  it('wait when the caches are reserved, and run when they are free again', async () => {
    // Each reserves 200 of 384 positions, so one runs at a time.
    const wide = Array.from({ length: 4 }, (_, seed) => ({
      prompt: 'the fox',
      strategy: 'large',
      seed,
      maxTokens: 193,
      stop: ['never written'],
    }));
    const runs = wide.map(collect);
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    expect(pair.engine.load).toEqual({ runningCount: 1, waitingCount: 3 });
    for (const events of await Promise.all(runs)) expect(events.at(-1)?.type).toBe('summary');
  });

  it('continue when a neighbour is cancelled in the middle of a batch', async () => {
    const request = { prompt: 'the quick', strategy: 'large', maxTokens: 30 };
    const expected = tokenIdsOf(await collect(request));
    for (let moment = 1; moment <= 12; moment += 1) {
      const abort = new AbortController();
      const cancelled = collect({ ...request, prompt: 'in the an', signal: abort.signal });
      const steady = collect(request);
      for (let turn = 0; turn < moment; turn += 1) await new Promise(setImmediate);
      abort.abort();
      await cancelled.catch((error: unknown) => expect(error).toMatchObject({ code: 'aborted' }));
      expect(tokenIdsOf(await steady)).toEqual(expected);
    }
  });

  it('are refused at once if they can never fit', async () => {
    const request = { prompt: 'x '.repeat(150), strategy: 'large', maxTokens: 5 };
    expect((await collect(request)).at(-1)?.type).toBe('summary');
    await expect(collect({ ...request, prompt: 'x '.repeat(300) })).rejects.toMatchObject({
      code: 'prompt-too-long',
    });
  });
});
