/** What is billed where calls fail, and streams that are given up. */
import { describe, expect, it } from 'vitest';
import type { FakeCall } from '../../src/remote/fakes/fake-vllm.ts';
import {
  idsOf,
  PROMPT,
  type RemoteWorld,
  remoteWorld,
  run,
  SPECULATIVE,
  summaryOf,
} from './remote-world.ts';

const PRICES = { prices: { large: { inputPerMillion: 1, outputPerMillion: 2 } } };

it('a call that the server refuses is not billed', async () => {
  let left = 3;
  const onCall = ({ response }: FakeCall): void => {
    left -= 1;
    if (left >= 0) response.writeHead(429, { 'retry-after': '0' }).end('{}');
  };
  await using world = await remoteWorld({ onCall }, PRICES);
  const summary = summaryOf(await run(world.engine, { strategy: 'large' }));
  expect(summary.models['far']?.billed).toMatchObject({ callCount: 1, inputCount: 4 });
  expect(summary.priceRatio).toBeCloseTo(1, 12);
});

it('a stream that has lost a part is closed before another is opened', async () => {
  let [openCount, openMax, tokenCount] = [0, 0, 0];
  const onCall = ({ response }: FakeCall): void => {
    openCount += 1;
    openMax = Math.max(openMax, openCount);
    response.once('close', () => {
      openCount -= 1;
    });
  };
  const onToken = async ({ response }: FakeCall): Promise<void> => {
    tokenCount += 1;
    const usage = '{"prompt_tokens":4,"completion_tokens":99}';
    const choice = '{"index":0,"token_ids":[1],"finish_reason":null}';
    if (tokenCount % 4 === 0) response.write(`data: {"choices":[${choice}],"usage":${usage}}\n\n`);
    await new Promise((done) => setTimeout(done, 5));
  };
  await using world = await remoteWorld({ onCall, onToken }, {}, { pauseMs: 20, pauseMaxMs: 20 });
  expect(
    idsOf(await run(world.engine, { strategy: 'large', maxTokens: 12 })).length,
  ).toBeGreaterThan(0);
  expect(openMax).toBe(1);
});

it('penalties are not drawn here, whatever top-k says', async () => {
  await using world = await remoteWorld();
  const sampling = { temperature: 1, topK: 4, repetitionPenalty: 1.2 };
  const refused = run(world.engine, { strategy: 'random@1', sampling });
  await expect(refused).rejects.toThrow('give a penalty window of 128 tokens or more');
});

describe('of several texts that are asked about side by side', () => {
  const request = { strategy: 'speculative', sampling: { temperature: 1 } };
  const options = { speculative: SPECULATIVE, onLargeFailure: 'small' } as const;

  const limits = { attemptCountMax: 1, stallTimeoutMs: 60_000 };

  /** Counts the calls, and those that are not closed yet. */
  function counting(answer: (call: FakeCall, closed: Promise<void>) => Promise<void> | void) {
    const counts = { call: 0, open: 0 };
    const onCall = (call: FakeCall): Promise<void> | void => {
      counts.call += 1;
      counts.open += 1;
      const closed = new Promise<void>((done) => call.response.once('close', done));
      void closed.then(() => {
        counts.open -= 1;
      });
      return answer(call, closed);
    };
    return { counts, onCall };
  }

  /** The number of tokens that the small model wrote alone; all calls are closed at the first. */
  async function offlineCount(
    { engine }: Pick<RemoteWorld, 'engine'>,
    counts: { readonly open: number },
  ): Promise<number> {
    let offline = 0;
    const prompt = { promptTokenIds: PROMPT, maxTokens: 40 };
    for await (const event of engine.generate({ ...prompt, ...request })) {
      if (event.type !== 'token' || event.isOffline !== true) continue;
      await expect.poll(() => counts.open).toBe(0);
      offline += 1;
    }
    return offline;
  }

  it('a failed one cancels the others before the small model goes on', async () => {
    const { counts, onCall } = counting(async ({ response }, closed) => {
      if (counts.call === 4) response.writeHead(503).end('{}');
      // The others are never answered.
      else await closed;
    });
    await using world = await remoteWorld({ onCall }, options, limits);
    expect(await offlineCount(world, counts)).toBeGreaterThan(0);
    expect(counts.call).toBe(4);
  });

  it('all fail as one call, after which the server is not left alone', async () => {
    let isDown = true;
    const { counts, onCall } = counting(({ response }) => {
      if (isDown) response.writeHead(503).end('{}');
    });
    await using world = await remoteWorld({ onCall }, options, limits);
    expect(await offlineCount(world, counts)).toBeGreaterThan(0);
    isDown = false;
    expect(await offlineCount(world, counts)).toBe(0);
  });
});
