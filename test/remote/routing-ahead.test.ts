/** Token routing that drafts on while the large model is asked: the same text, in less time. */
import { describe, expect, it } from 'vitest';
import { expected, idsOf, remoteWorld, run, tokensOf } from './remote-world.ts';

const STRATEGIES = ['random@0.5', 'entropy@1', 'margin@0.6', 'random@1', 'random@0'];
const SAMPLINGS = [{}, { temperature: 1, topK: 4 }];
const AHEAD = { uplink: { ahead: 8 } } as const;

describe.each(STRATEGIES)('under %s', (strategy) => {
  it.each(SAMPLINGS)('the text is the same: %o', async (sampling) => {
    await using world = await remoteWorld({}, AHEAD);
    let [tokenCount, roundCount] = [0, 0];
    for (const seed of [1, 2, 3, 4]) {
      const request = { strategy, sampling, seed };
      const events = await run(world.engine, request);
      expect(idsOf(events)).toEqual(await expected(request));
      tokenCount += tokensOf(events).length;
      roundCount += new Set(tokensOf(events).map(({ round }) => round)).size;
    }
    // Some drafts stood: they were decided in the round of the token before them.
    if (strategy === 'random@0.5') expect(roundCount).toBeLessThan(tokenCount);
  });
});

it('drafts while the call is under way, and asks the large model no more often', async () => {
  const calls: number[] = [];
  let draftedMeanwhile = 0;
  const onCall = async ({ path }: { readonly path: string }): Promise<void> => {
    calls.push(path.length);
    await new Promise((done) => setTimeout(done, 5));
  };
  await using world = await remoteWorld({ onCall }, AHEAD);
  const events = await run(world.engine, { strategy: 'random@0.5', seed: 1 });
  const work = events.filter((event) => event.type === 'work');
  const smallRows = work.filter(({ model }) => model === 'small').length;
  draftedMeanwhile = smallRows - tokensOf(events).length;
  expect(calls).toHaveLength(tokensOf(events).filter(({ origin }) => origin === 'large').length);
  // Drafts that were dropped are work of the small model, too.
  expect(draftedMeanwhile).toBeGreaterThan(0);
});

it('that fails in the middle of drafts ends with what it has, and nothing is left open', async () => {
  let left = 2;
  const onCall = ({ response }: { response: { socket: { destroy(): void } | null } }): void => {
    left -= 1;
    if (left < 0) response.socket?.destroy();
  };
  await using world = await remoteWorld({ onCall }, AHEAD, { attemptCountMax: 2 });
  const running = run(world.engine, { strategy: 'random@0.5', seed: 1 });
  await expect(running).rejects.toMatchObject({ code: 'server-unreachable' });
  await world.engine.checkIdle();
});
