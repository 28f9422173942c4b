/** A device reads what its hub writes ahead: the text of one process, and nothing uncounted. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { RUN_LENGTH_MAX } from '../../src/link/limits.ts';
import type { ScriptedModelOptions } from '../../src/model/scripted/scripted-model.ts';
import type { StrategyOptions } from '../../src/strategy/strategy-options.ts';
import { RUNS_ARE_FULL, runs } from '../runs.ts';
import { FaultyLink } from './faulty-link.ts';
import {
  END,
  type Ends,
  eventsOf,
  idsOf,
  inOneProcess,
  large,
  QUICK,
  small,
  summaryOf,
  TOKENS,
  tokensOf,
  World,
  type WorldOptions,
} from './hub-world.ts';
import { Wire } from './wire.ts';

/** Answers that do not end by themselves. */
const ENDLESS: Partial<ScriptedModelOptions> = {
  contextLength: 1024,
  cellCount: 4096,
  next: (prefix) => {
    const at = prefix.length * 7 + (prefix.at(-1) ?? 0) * 3 + (prefix.at(-2) ?? 0);
    return TOKENS.map((_, id) => (id === END ? 0 : id === at % END ? 0.64 : 0.06));
  },
};

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

function endless(onForward = async (): Promise<void> => undefined): WorldOptions {
  return { smallModel: small(ENDLESS), largeModel: large({ ...ENDLESS, onForward }) };
}

/** What one process writes with the models of a test. */
async function near(
  request: GenerateRequest,
  options: Partial<ScriptedModelOptions> = {},
  more: StrategyOptions = {},
) {
  await using engine = new Engine({
    ...{ models: { small: small(options), large: large(options) }, ...more },
  });
  return await eventsOf(engine, request);
}

describe('an answer of the large model alone', () => {
  it.each([
    ['greedy', { temperature: 0 }],
    ['drawn', { temperature: 1 }],
    [
      'drawn with penalties, biases and truncation',
      {
        ...{ temperature: 0.9, topP: 0.9, repetitionPenalty: 1.2, presencePenalty: 0.3 },
        ...{ frequencyPenalty: 0.1, logitBias: { '3': 1.5 } },
      },
    ],
  ])('is that of one process, over several runs, %s', async (_, sampling) => {
    const wire = new Wire();
    await using world = new World({ ...endless(), link: wire.link });
    const request = { strategy: 'large', seed: 3, sampling, maxTokens: 200, logprobs: true };
    const events = await eventsOf(world.engine, request);
    expect(tokensOf(events)).toEqual(tokensOf(await near(request, ENDLESS)));
    expect(idsOf(events)).toHaveLength(200);
    // One opens and one closes; the hub is asked for more every 32 tokens, and for no token too many.
    expect(wire.up.map(({ type }) => type)).toEqual(['open', ...Array(4).fill('write'), 'close']);
    expect(wire.answers).toHaveLength(200);
    expect(summaryOf(events).models['large']).toMatchObject({ writtenTokenCount: 200 });
  });

  it('costs the rows of one process, if it ends by itself', async () => {
    for (const seed of [2, 3, 4, 5]) {
      const request = { strategy: 'large', seed, sampling: { temperature: 1 }, maxTokens: 60 };
      await using world = new World();
      const far = summaryOf(await eventsOf(world.engine, request));
      const alone = summaryOf(await inOneProcess(request));
      const counts = ({ models }: typeof far) => {
        const { rowCount, outputRowCount, forwardCount } = required(models['large'], 'it worked');
        return { rowCount, outputRowCount, forwardCount };
      };
      expect(counts(far)).toEqual(counts(alone));
    }
  });

  it('waits for no token that the hub could have written before', async () => {
    const wire = new Wire(20);
    await using world = new World({ ...endless(), link: wire.link });
    const times: number[] = [];
    const request = { strategy: 'large', maxTokens: 60, promptTokenIds: [0, 1, 2] };
    for await (const event of world.engine.generate(request)) {
      if (event.type === 'token') times.push(event.elapsedMs);
    }
    // Opening and the first token take a round trip each; without a stream there would be 61.
    expect(times).toHaveLength(60);
    expect(required(times.at(-1), 'a token') - required(times[0], 'a token')).toBeLessThan(1500);
  });
});

describe('a run that ends in the middle', () => {
  const steps = { separators: ['b'], stepTokenCountMax: 40 };

  it.each([
    ['rsd-likelihood@0.9', {}],
    ['rsd-likelihood@0.4', {}],
    ['random-step@0.5', {}],
    ['large', { stop: ['cd'] }],
    ['random-query@1', { stop: ['cd'] }],
  ])('is dropped behind its end, and counted: %s', async (strategy, more) => {
    const wire = new Wire(4);
    await using world = new World({
      ...{ ...endless(() => sleep(1)), link: wire.link },
      engine: { steps },
    });
    const sampling = { temperature: 1 };
    const request = { strategy, seed: 7, maxTokens: 90, sampling, ...more };
    const events = await eventsOf(world.engine, request);
    expect(tokensOf(events)).toEqual(tokensOf(await near(request, ENDLESS, { steps })));
    const { linkBytesUp, linkBytesDown, models } = summaryOf(events);
    expect({ up: linkBytesUp, down: linkBytesDown }).toEqual(wire.bytes);
    const far = required(models['large'], 'the hub worked');
    // Tokens behind the end were written in vain, and each was told and counted once.
    expect(far.writtenTokenCount).toBe(wire.answers.length);
    expect(far.rowCount).toBe(wire.answers.reduce((sum, { rowCount }) => sum + rowCount, 0));
    expect(far.rowCount).toBe(world.hub.status.rowCount);
    const kept = tokensOf(events).filter(({ origin }) => origin === 'large').length;
    expect(wire.answers.length).toBeGreaterThan(kept);
    expect(wire.down.some(({ type }) => type === 'stopped')).toBe(true);
    // The connection serves the next request.
    const before = world.connectionCount;
    await eventsOf(world.engine, { strategy: 'large', maxTokens: 3 });
    expect(world.connectionCount).toBe(before);
  });

  it('goes on elsewhere, token by token in turn', async () => {
    // Two requests on one engine, whose runs stop and begin at any time.
    const wire = new Wire(2);
    await using world = new World({
      ...{ ...endless(() => sleep(1)), link: wire.link },
      engine: { steps },
    });
    const requests = ['rsd-likelihood@0.5', 'large', 'entropy@0.5', 'rsd-likelihood@0.9'].map(
      (strategy, seed) => ({ strategy, seed, maxTokens: 60, sampling: { temperature: 1 } }),
    );
    const all = await Promise.all(requests.map((one) => eventsOf(world.engine, one)));
    for (const [at, events] of all.entries()) {
      const expected = await near(required(requests[at], 'a request'), ENDLESS, { steps });
      expect(tokensOf(events)).toEqual(tokensOf(expected));
    }
    await expect.poll(() => world.hub.status.requestCount, { interval: 1 }).toBe(0);
  });
});

describe('a link that breaks in a run', () => {
  it.each(['large', 'rsd-likelihood@0.6'])(
    'changes no token of %s, whichever frame is cut',
    async (strategy) => {
      const engine = { steps: { separators: ['b'] } };
      const request = { strategy, seed: 3, sampling: { temperature: 1 }, maxTokens: 24 };
      const expected = tokensOf(await near(request, {}, engine));
      let cutCount = 0;
      for (let behind = 0; behind < 45; behind += RUNS_ARE_FULL ? 1 : 4) {
        for (const arrives of [true, false]) {
          const faults = new FaultyLink([{ behind, arrives }]);
          await using world = new World({ link: faults.link, engine });
          const events = await eventsOf(world.engine, request);
          expect(tokensOf(events), `${behind} ${arrives}`).toEqual(expected);
          cutCount += faults.cutCount;
        }
      }
      expect(cutCount).toBeGreaterThan(RUNS_ARE_FULL ? 40 : 12);
    },
  );

  it('changes no token while the hub is ahead, wherever and however often it breaks', async () => {
    const anyCut = fc.record({ behind: fc.nat({ max: 25 }), arrives: fc.boolean() });
    const anyStrategy = fc.constantFrom(
      ...['large', 'rsd-likelihood@0.4', 'rsd-likelihood@0.7', 'random-step@0.6', 'random-query@1'],
    );
    const engine = { steps: { separators: ['b'], stepTokenCountMax: 9 } };
    let cutCount = 0;
    await fc.assert(
      fc.asyncProperty(
        ...[fc.array(anyCut, { minLength: 1, maxLength: 5 }), anyStrategy, fc.nat({ max: 50 })],
        async (cuts, strategy, seed) => {
          const [faults, wire] = [new FaultyLink(cuts), new Wire(1)];
          const link = (ends: Ends): Ends => wire.link(faults.link(ends));
          await using world = new World({ ...endless(turn), link, engine });
          const sampling = { temperature: 1 };
          const request = { strategy, seed, sampling, maxTokens: 40, stop: ['cdc'] };
          const events = await eventsOf(world.engine, request);
          expect(tokensOf(events)).toEqual(tokensOf(await near(request, ENDLESS, engine)));
          // No row is counted twice, whatever the hub said again.
          const counted = summaryOf(events).models['large']?.rowCount ?? 0;
          expect(counted).toBeLessThanOrEqual(world.hub.status.rowCount);
          cutCount += faults.cutCount;
        },
      ),
      { numRuns: runs(8, 300) },
    );
    expect(cutCount).toBeGreaterThan(4);
  });

  it('has the tokens that came before it, and the hub repeats the others', async () => {
    const faults = new FaultyLink([{ behind: 12, arrives: true }]);
    await using world = new World({ ...endless(), link: faults.link });
    const request = { strategy: 'large', maxTokens: 40, sampling: { temperature: 1 } };
    const events = await eventsOf(world.engine, request);
    expect(idsOf(events)).toEqual(idsOf(await near(request, ENDLESS)));
    expect([faults.cutCount, world.connectionCount]).toEqual([1, 2]);
    // No token was computed twice.
    expect(world.hub.status.writtenCount).toBe(40);
  });

  it.each(['large', 'rsd-likelihood@0.6'])(
    'and a hub that was restarted change no token of %s',
    async (strategy) => {
      const engine = { steps: { separators: ['b'] } };
      await using world = new World({ ...endless(), engine });
      const request = { strategy, seed: 2, maxTokens: 60, sampling: { temperature: 1 } };
      const events = await eventsOf(world.engine, request, async (index) => {
        if (index % 9 === 4) await world.restart();
      });
      expect(idsOf(events)).toEqual(idsOf(await near(request, ENDLESS, engine)));
    },
  );

  it.each(['stop', 'small'] as const)(
    'ends the answer with what it has where the hub stays away (%s)',
    async (offline) => {
      const policy = { ...QUICK, offline, patienceMs: 400 };
      const wire = new Wire(2);
      await using world = new World({
        ...{ ...endless(() => sleep(2)), policy, link: wire.link },
      });
      const request = { strategy: 'large', maxTokens: 60, promptTokenIds: [0, 1, 2] };
      const ids: number[] = [];
      const running = async (): Promise<void> => {
        for await (const event of world.engine.generate(request)) {
          if (event.type !== 'token') continue;
          ids.push(event.tokenId);
          if (event.index !== 6) continue;
          world.isAway = true;
          await world.restart();
        }
      };
      await expect(running()).rejects.toMatchObject({ code: 'hub-unreachable' });
      const expected = idsOf(await near(request, ENDLESS));
      // What had arrived is not lost.
      expect(ids.length).toBeGreaterThanOrEqual(7);
      expect(ids).toEqual(expected.slice(0, ids.length));
      world.isAway = false;
      expect(idsOf(await eventsOf(world.engine, request))).toEqual(expected);
    },
  );
});

describe('a request that is given up in a run', () => {
  it.each(['aborted', 'left'])('frees the hub at once, if it is %s', async (how) => {
    let forwardCount = 0;
    const onForward = async (): Promise<void> => {
      forwardCount += 1;
      await sleep(1);
    };
    const wire = new Wire(2);
    await using world = new World({ ...endless(onForward), link: wire.link });
    const abort = new AbortController();
    const request = { strategy: 'large', maxTokens: 900, promptTokenIds: [0, 1, 2] };
    const running = async (): Promise<void> => {
      for await (const event of world.engine.generate({ ...request, signal: abort.signal })) {
        if (event.type !== 'token' || event.index !== 5) continue;
        if (how === 'left') return;
        abort.abort();
      }
    };
    if (how === 'left') await running();
    else await expect(running()).rejects.toMatchObject({ code: 'aborted' });
    await expect.poll(() => world.hub.status.requestCount, { interval: 1 }).toBe(0);
    const before = forwardCount;
    await sleep(20);
    expect(forwardCount).toBe(before);
    expect(forwardCount).toBeLessThan(RUN_LENGTH_MAX);
    const next = { ...request, maxTokens: 8 };
    expect(idsOf(await eventsOf(world.engine, next))).toEqual(idsOf(await near(next, ENDLESS)));
  });

  it('lets the hub write no further than a reader that stands still has asked', async () => {
    await using world = new World(endless());
    const stream = world.engine.generate({
      ...{ strategy: 'large', maxTokens: 900, promptTokenIds: [0, 1, 2] },
    });
    for await (const event of stream) {
      if (event.type !== 'token') continue;
      await sleep(20);
      expect(world.hub.status.writtenCount).toBe(RUN_LENGTH_MAX);
      break;
    }
  });
});

describe('a hub of an older version', () => {
  it('refuses a run, and the device says why', async () => {
    await using world = new World({
      link: ([device, hub]) => {
        const send = (frame: Uint8Array): void =>
          device.send(frame[0] === 0x15 ? Uint8Array.of(0x16, ...frame.subarray(1)) : frame);
        return [{ ...device, send }, hub];
      },
    });
    await expect(eventsOf(world.engine, { strategy: 'large' })).rejects.toMatchObject({
      code: 'hub-refused',
      message: expect.stringContaining('type is 6'),
      remedy: expect.stringContaining('same version'),
    });
    const drafts = { strategy: 'hlm', seed: 2 };
    expect(idsOf(await eventsOf(world.engine, drafts))).toEqual(idsOf(await inOneProcess(drafts)));
  });
});
