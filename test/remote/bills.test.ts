/** What is billed where calls fail, and streams that are given up. */
import { describe, expect, it } from 'vitest';
import type { FakeCall } from '../../src/remote/fakes/fake-vllm.ts';
import { idsOf, remoteWorld, run, SPECULATIVE, summaryOf } from './remote-world.ts';

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
  await expect(refused).rejects.toThrow('it cannot count the tokens of the text for penalties');
});

describe('of several texts that are asked about side by side', () => {
  const request = { strategy: 'speculative', sampling: { temperature: 1 } };
  const options = { speculative: SPECULATIVE };

  it('a failed one cancels the others, and the request has its error', async () => {
    let [callCount, openCount] = [0, 0];
    const onCall = async ({ response }: FakeCall): Promise<void> => {
      callCount += 1;
      openCount += 1;
      response.once('close', () => {
        openCount -= 1;
      });
      if (callCount === 4) response.writeHead(400).end('{"error":{"message":"no such text"}}');
      // The others are never answered.
      else await new Promise((done) => response.once('close', done));
    };
    await using world = await remoteWorld({ onCall }, options, { stallTimeoutMs: 60_000 });
    await expect(run(world.engine, request)).rejects.toThrow('no such text');
    await expect.poll(() => openCount).toBe(0);
    expect(callCount).toBe(4);
  });

  it('all fail as one call, after which the server is not left alone', async () => {
    let isDown = true;
    const onCall = ({ response }: FakeCall): void => {
      if (isDown) response.writeHead(503).end('{}');
    };
    await using world = await remoteWorld({ onCall }, options, { attemptCountMax: 2 });
    await expect(run(world.engine, request)).rejects.toThrow('503');
    isDown = false;
    expect(idsOf(await run(world.engine, request)).length).toBeGreaterThan(0);
  });
});
