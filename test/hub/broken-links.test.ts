/** A link may break anywhere, and a hub may lose everything: no token is repeated, lost or invented. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../../src/core/errors.ts';
import type { EngineEvent } from '../../src/core/events.ts';
import type { LinkPolicy } from '../../src/device/link-policy.ts';
import { runs } from '../runs.ts';
import { type Cut, FaultyLink } from './faulty-link.ts';
import {
  END,
  eventsOf,
  idsOf,
  inOneProcess,
  QUICK,
  summaryOf,
  tokensOf,
  World,
} from './hub-world.ts';

const CUTS: fc.Arbitrary<Cut[]> = fc.array(
  fc.record({ behind: fc.nat({ max: 12 }), arrives: fc.boolean() }),
  { minLength: 1, maxLength: 6 },
);
const STRATEGY = fc.constantFrom(
  'hlm',
  'uhlm@0.3',
  'cu-hlm@0.3',
  'random-uhlm@0.5',
  'large',
  'rsd-likelihood@0.5',
);

describe('a link that breaks', () => {
  it('changes no token, wherever and however often it breaks', async () => {
    let cutCount = 0;
    await fc.assert(
      fc.asyncProperty(
        ...[CUTS, STRATEGY, fc.nat({ max: 50 }), fc.constantFrom(0, 1)],
        async (cuts, strategy, seed, temperature) => {
          const faults = new FaultyLink(cuts);
          await using world = new World({ link: faults.link });
          const request = { strategy, seed, sampling: { temperature } };
          const events = await eventsOf(world.engine, request);
          expect(tokensOf(events)).toEqual(tokensOf(await inOneProcess(request)));
          cutCount += faults.cutCount;
        },
      ),
      { numRuns: runs(25, 600) },
    );
    expect(cutCount).toBeGreaterThan(25);
  });

  it('and a hub that loses all requests change no token', async () => {
    await fc.assert(
      fc.asyncProperty(CUTS, STRATEGY, fc.nat({ max: 50 }), async (cuts, strategy, seed) => {
        const faults = new FaultyLink(cuts);
        await using world = new World({ link: faults.link });
        const request = { strategy, seed, sampling: { temperature: 1 } };
        const events = await eventsOf(world.engine, request, async (index) => {
          if (index % 7 === seed % 7) await world.restart();
        });
        expect(tokensOf(events)).toEqual(tokensOf(await inOneProcess(request)));
      }),
      { numRuns: runs(12, 400) },
    );
  });

  it('costs the frames that were sent again', async () => {
    const request = { strategy: 'hlm', sampling: { temperature: 1 } };
    await using whole = new World();
    const faults = new FaultyLink([{ behind: 6, arrives: false }]);
    await using broken = new World({ link: faults.link });
    const [a, b] = [await eventsOf(whole.engine, request), await eventsOf(broken.engine, request)];
    expect(summaryOf(b).linkBytesUp).toBeGreaterThan(summaryOf(a).linkBytesUp);
    expect(broken.connectionCount).toBe(2);
    // The transmission that was answered twice was verified once.
    expect(broken.hub.status.acceptedCount + broken.hub.status.rejectedCount).toBe(
      whole.hub.status.acceptedCount + whole.hub.status.rejectedCount,
    );
  });
});

describe('a hub that is away', () => {
  const impatient: LinkPolicy = { ...QUICK, patienceMs: 30 };

  it('ends the request with everything so far, unless it comes back', async () => {
    await using world = new World({ policy: impatient });
    const events: EngineEvent[] = [];
    const request = { promptTokenIds: [0, 1, 2], maxTokens: 40, strategy: 'hlm' };
    const failure = await (async () => {
      for await (const event of world.engine.generate(request)) {
        events.push(event);
        if (event.type !== 'token' || event.index !== 4) continue;
        world.isAway = true;
        await world.restart();
      }
    })().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'hub-unreachable', remedy: null });
    expect(PilotfishError.isInstance(failure)).toBe(true);
    const expected = await inOneProcess({ strategy: 'hlm' });
    expect(idsOf(events)).toEqual(idsOf(expected).slice(0, 5));
    // The device is ready for the next request.
    world.isAway = false;
    expect(idsOf(await eventsOf(world.engine, { strategy: 'hlm' }))).toEqual(idsOf(expected));
  });

  it('lets the small model go on alone, if that is asked, and marks each of its tokens', async () => {
    await using world = new World({ policy: { ...impatient, offline: 'small' } });
    const request = { strategy: 'hlm', sampling: { temperature: 1 } };
    const events = await eventsOf(world.engine, request, async (index) => {
      world.isAway = index >= 3 && index < 9;
      if (index === 3) await world.restart();
      // The device looks for the hub meanwhile.
      if (index >= 9) await new Promise((done) => setTimeout(done, 10));
    });
    const tokens = tokensOf(events);
    const offline = tokens.filter(({ isOffline }) => isOffline === true).map(({ index }) => index);
    expect(offline[0]).toBe(4);
    expect(offline.length).toBeGreaterThanOrEqual(6);
    for (const { origin, verified, isOffline } of tokens) {
      if (isOffline === true) expect([origin, verified]).toEqual(['small', false]);
      else expect(verified || origin === 'large').toBe(true);
    }
    // The hub came back, and checked the rest of the text that it was then told.
    expect(tokens.at(-1)?.isOffline).toBeUndefined();
    expect(summaryOf(events).notes).toContainEqual(
      expect.stringContaining(`${offline.length} tokens were not checked`),
    );
  });

  it('lets it end the answer alone, too', async () => {
    await using world = new World({ policy: { ...impatient, offline: 'small', patienceMs: 0 } });
    world.isAway = true;
    await world.restart();
    const request = { sampling: { temperature: 1 }, seed: 3, maxTokens: 60 };
    const events = await eventsOf(world.engine, { ...request, strategy: 'uhlm@0.3' });
    const tokens = tokensOf(events);
    const alone = await inOneProcess({ ...request, strategy: 'small' });
    expect(idsOf(events)).toEqual(idsOf(alone));
    expect(tokens.at(-1)).toMatchObject({ tokenId: END, isOffline: true });
  });

  it('fails a strategy of which the small model cannot go on alone', async () => {
    await using world = new World({ policy: { ...impatient, offline: 'small', patienceMs: 0 } });
    world.isAway = true;
    await world.restart();
    await expect(eventsOf(world.engine, { strategy: 'large' })).rejects.toMatchObject({
      code: 'hub-unreachable',
    });
  });

  it('waits for no hub after the request was aborted', async () => {
    await using world = new World();
    world.isAway = true;
    await world.restart();
    const abort = new AbortController();
    const running = eventsOf(world.engine, { strategy: 'hlm', signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
  });
});
