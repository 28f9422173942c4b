/** Over frames, a device and a hub write what one process with both models writes. */
import { describe, expect, it } from 'vitest';
import { ANY_HUB } from '../../src/app/elsewhere/reach-hub.ts';
import { checkElsewhere, worksElsewhere } from '../../src/app/elsewhere/reached-model.ts';
import type { WorkEvent } from '../../src/core/events.ts';
import { tinyRewards } from '../../src/judging/fakes/tiny-reward.ts';
import { tinyRouters } from '../../src/judging/fakes/tiny-router.ts';
import { decodeFromDevice, decodeFromHub, encode, frameSize } from '../../src/link/codec.ts';
import type { FrameTransport } from '../../src/link/frame-transport.ts';
import { linkLimits } from '../../src/link/limits.ts';
import { METHODS } from '../../src/strategy/methods.ts';
import type { UplinkOptions } from '../../src/strategy/strategy-options.ts';
import { parseStrategy } from '../../src/strategy/strategy-value.ts';
import { RUNS_ARE_FULL } from '../runs.ts';
import { eventsOf, inOneProcess, summaryOf, TOKENS, tokensOf, World } from './hub-world.ts';

const HYBRID = [
  ...['hlm', 'uhlm@0.4', 'cu-hlm@0.4', 'uhlm-unbiased@0.4', 'uhlm-sampled@0.4', 'uhlm-pd@0.5'],
  ...['uhlm-entropy@1.2', 'uhlm-margin@0.2', 'random-uhlm@0.5'],
];
const nameOf = (text: string): string => text.split('@')[0] ?? '';
const UPLINKS: readonly (readonly [string, UplinkOptions])[] = [
  ['by default', {}],
  ['as ids only', { sends: 'ids' }],
  ['as two tokens', { sends: 'top', tokenCount: 2 }],
  ["as in CU-HLM's paper", { sends: 'top', tokenCount: 2, rest: 'uniform' }],
];

describe.each(UPLINKS)('hybrid inference with drafts that travel %s', (_, uplink) => {
  it.each([0, 1])('writes the same at temperature %d', async (temperature) => {
    for (const strategy of HYBRID) {
      for (const seed of RUNS_ARE_FULL ? [2, 3, 4, 5] : [2]) {
        const request = { strategy, seed, sampling: { temperature }, logprobs: true };
        await using world = new World({ uplink });
        const events = await eventsOf(world.engine, request);
        const expected = await inOneProcess(request, uplink);
        expect(tokensOf(events), strategy).toEqual(tokensOf(expected));
        const [far, near] = [summaryOf(events), summaryOf(expected)];
        expect(far.largeForwards).toBe(near.largeForwards);
        expect(far.models['large']?.rowCount).toBe(near.models['large']?.rowCount);
        expect(far.linkBytesUp > 0 && far.linkBytesDown > 0).toBe(far.largeForwards > 0);
      }
    }
  });

  it('writes the same with penalties, biases and truncation', async () => {
    const sampling = {
      ...{ temperature: 0.9, topP: 0.9, repetitionPenalty: 1.2, logitBias: { '3': 1.5 } },
    };
    const request = { strategy: 'uhlm@0.3', seed: 4, sampling };
    await using world = new World({ uplink });
    const events = await eventsOf(world.engine, request);
    expect(tokensOf(events)).toEqual(tokensOf(await inOneProcess(request, uplink)));
  });
});

const READS_LARGE = { hidden: true, large: 'logprob', tokens: 'all' } as const;

describe('every strategy that a hub can serve', () => {
  const served = METHODS.filter(
    (method) => method.head === null && worksElsewhere(method, {}, ANY_HUB),
  );

  it('is one of hybrid inference, a model alone, a router, or a method of steps', () => {
    const names = served.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...HYBRID.map(nameOf), 'large', 'entropy']));
    expect(names).not.toContain('speculative');
    expect(names).not.toContain('small');
  });

  it.each(served.map(({ name }) => name))('%s writes the same', async (strategy) => {
    for (const temperature of [0, 1]) {
      const request = { strategy, seed: 3, sampling: { temperature }, logprobs: true };
      await using world = new World();
      const events = await eventsOf(world.engine, request);
      expect(tokensOf(events)).toEqual(tokensOf(await inOneProcess(request)));
    }
  });

  it('asks for one token of the large model at a time, also by its trained head', () => {
    const check = (strategy: string): void =>
      checkElsewhere(
        [parseStrategy(strategy)],
        {
          routers: tinyRouters(['citer']),
          rewards: new Map([
            ...tinyRewards(['rsd']),
            ...tinyRewards(['rsd-large'], { features: READS_LARGE }),
          ]),
        },
        ANY_HUB,
      );
    for (const strategy of ['citer', 'uhlm-router@0.5', 'rsd']) check(strategy);
    expect(() => check('rsd-large')).toThrow(
      expect.objectContaining({ code: 'capability-missing' }),
    );
  });

  it.each(['speculative', 'rsd-judge'])('is not %s', (strategy) => {
    const check = (): void => checkElsewhere([parseStrategy(strategy)], {}, ANY_HUB);
    const remedy = expect.stringMatching(/^Choose one of: .*uhlm.*cu-hlm/);
    expect(check).toThrow(expect.objectContaining({ code: 'capability-missing', remedy }));
  });
});

describe('many requests at once', () => {
  it('are answered side by side, over a connection each', async () => {
    await using world = new World();
    const requests = Array.from({ length: 8 }, (_, seed) => ({
      ...{ strategy: 'uhlm@0.3', seed, sampling: { temperature: 1 } },
    }));
    const all = await Promise.all(requests.map((one) => eventsOf(world.engine, one)));
    for (const [seed, events] of all.entries()) {
      const expected = await inOneProcess(requests[seed] ?? {});
      expect(tokensOf(events)).toEqual(tokensOf(expected));
    }
    expect(world.connectionCount).toBeLessThanOrEqual(8);
    expect(world.hub.status.requestCount).toBe(0);
    // The next request takes a connection that is open.
    const before = world.connectionCount;
    await eventsOf(world.engine, { strategy: 'hlm' });
    expect(world.connectionCount).toBe(before);
  });
});

describe('the bytes of a run', () => {
  it('are the sizes of the frames that were sent', async () => {
    const sizes = { up: 0, down: 0 };
    const counted = (transport: FrameTransport, way: 'up' | 'down'): FrameTransport => ({
      ...transport,
      send: (frame) => {
        const decode = way === 'up' ? decodeFromDevice : decodeFromHub;
        const message = decode(frame, linkLimits(TOKENS.length));
        sizes[way] += frameSize(message, TOKENS.length);
        expect(encode(message, TOKENS.length)).toEqual(frame);
        transport.send(frame);
      },
    });
    await using world = new World({
      link: ([device, hub]) => [counted(device, 'up'), counted(hub, 'down')],
    });
    const request = { strategy: 'uhlm@0.3', sampling: { temperature: 1 }, seed: 2 };
    const events = await eventsOf(world.engine, request);
    const { linkBytesUp, linkBytesDown } = summaryOf(events);
    expect({ up: linkBytesUp, down: linkBytesDown }).toEqual(sizes);
    const work = events.filter((event): event is WorkEvent => event.type === 'work');
    expect(
      work.filter(({ model }) => model === 'small').every(({ bytesUp }) => bytesUp === 0),
    ).toBe(true);
  });
});
