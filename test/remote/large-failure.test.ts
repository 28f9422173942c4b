/** A server that stays away in the middle of an answer. */
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/core/events.ts';
import type { FakeCall } from '../../src/remote/fakes/fake-vllm.ts';
import {
  expected,
  idsOf,
  PROMPT,
  remoteWorld,
  run,
  SMALL,
  SPECULATIVE,
  summaryOf,
  tokensOf,
} from './remote-world.ts';

/** A server that answers so many calls and tokens, and then no more. */
function mortal(quietCount: number): (call: FakeCall) => void {
  let left = quietCount;
  return ({ response }) => {
    left -= 1;
    if (left < 0) response.socket?.destroy();
  };
}

const LIMITS = { attemptCountMax: 2 };
const STRATEGIES = ['large', 'random@0.9', 'cascade@0.2', 'speculative', 'rsd-likelihood@0.9'];

describe.each(STRATEGIES)('under %s', (strategy) => {
  it('ends the request with what it has', async () => {
    const die = mortal(4);
    const serving = { onCall: die, onToken: die };
    await using world = await remoteWorld(serving, { speculative: SPECULATIVE }, LIMITS);
    const events: EngineEvent[] = [];
    const failed = (async () => {
      const request = { promptTokenIds: PROMPT, strategy, maxTokens: 40 };
      for await (const event of world.engine.generate(request)) events.push(event);
    })();
    await expect(failed).rejects.toMatchObject({ code: 'server-unreachable' });
    const ids = idsOf(events);
    expect((await expected({ strategy })).slice(0, ids.length)).toEqual(ids);
    await world.engine.checkIdle();
  });

  it('goes on with the small model alone, and every token says so', async () => {
    const die = mortal(4);
    const serving = { onCall: die, onToken: die };
    const options = { speculative: SPECULATIVE, onLargeFailure: 'small' } as const;
    await using world = await remoteWorld(serving, options, LIMITS);
    const events = await run(world.engine, { strategy });
    const tokens = tokensOf(events);
    const at = tokens.findIndex(({ isOffline }) => isOffline === true);
    expect(at).toBeGreaterThanOrEqual(0);
    expect((await expected({ strategy })).slice(0, at)).toEqual(idsOf(events).slice(0, at));
    const text = [...PROMPT, ...idsOf(events)];
    for (const [index, token] of tokens.entries()) {
      if (index < at) continue;
      const row = SMALL(text.slice(0, PROMPT.length + index));
      expect(token).toMatchObject({ isOffline: true, origin: 'small' });
      expect(token.tokenId).toBe(row.indexOf(Math.max(...row)));
    }
    expect(summaryOf(events).notes.join()).toContain('the small model wrote the rest alone');
    await world.engine.checkIdle();
  });
});
