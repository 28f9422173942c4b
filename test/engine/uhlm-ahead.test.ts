/** Drafting on while a verdict is on its way: it takes less time, and changes nothing of the text. */
import { describe, expect, it, vi } from 'vitest';
import { PilotfishError } from '../../src/core/errors.ts';
import type { EngineEvent, TokenEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import { samplingParams } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { HubModel } from '../../src/device/hub-model.ts';
import { LINK_POLICIES, type LinkPolicy } from '../../src/device/link-policy.ts';
import { Engine } from '../../src/engine/engine.ts';
import { ModelSet } from '../../src/engine/model-set.ts';
import { runRequest } from '../../src/engine/run-request.ts';
import { Hub } from '../../src/hub/hub.ts';
import { serveConnection } from '../../src/hub/serve-connection.ts';
import type { FrameTransport } from '../../src/link/frame-transport.ts';
import { memoryTransports } from '../../src/link/memory-transport.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import type { UplinkOptions } from '../../src/strategy/strategy-options.ts';
import { createStrategy } from '../../src/strategy/strategy-value.ts';
import {
  enumerateDraws,
  largestDifference,
  type PathDraws,
} from '../../src/testing/enumerate-draws.ts';
import { RUNS_ARE_FULL, runs } from '../runs.ts';

const TOKENS = ['a', 'b', ''];
const END = 2;

/** Probabilities that depend on the whole prefix. */
function next(salt: number, endWeight: number, count: number) {
  return (prefix: readonly TokenId[]): readonly number[] => {
    const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 10_007, salt);
    const weights = Array.from({ length: count }, (_, id) => 1 + ((hash * (id + 3) * 7919) % 101));
    weights[count - 1] = endWeight;
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };
}

interface Law {
  readonly law: ReadonlyMap<string, number>;
  /** Rounds that decided several tokens, over all paths. */
  readonly longRoundCount: number;
}

/** With three tokens there are drafts behind drafts behind a verdict. */
const LENGTH = RUNS_ARE_FULL ? 3 : 2;

/** The joint distribution of the first tokens. */
async function lawOf(strategy: string, uplink: UplinkOptions): Promise<Law> {
  let path: PathDraws | null = null;
  let longRoundCount = 0;
  const choose = (distribution: Float64Array): TokenId =>
    required(path, 'a path is under way').categorical(distribution);
  const model = (salt: number): ScriptedModel =>
    new ScriptedModel({ tokens: TOKENS, endOfGeneration: [END], next: next(salt, 20, 3), choose });
  const models = new ModelSet({ small: model(7), large: model(40) });
  const built = createStrategy(strategy, { uplink });
  const law = await enumerateDraws(async (draws) => {
    path = draws;
    const sampling = samplingParams({ temperature: 1 });
    const run = runRequest({
      request: { sampling, maxTokens: LENGTH, stop: [], seed: 0, logprobs: false },
      ...{ prompt: tokenIds([0, 1]), strategy: built, models, lease: models.soleLease(), draws },
      ...{ clock: { nowMs: () => 0 }, signal: new AbortController().signal },
    });
    const tokens: TokenEvent[] = [];
    for await (const event of run) if (event.type === 'token') tokens.push(event);
    const rounds = new Set(tokens.map(({ round }) => round));
    if (rounds.size < tokens.length) longRoundCount += 1;
    return tokens.map(({ tokenId }) => tokenId).join();
  });
  return { law, longRoundCount };
}

describe('the law of U-HLM with drafts ahead', () => {
  it.each<[string, UplinkOptions]>([
    ['uhlm@0.45', {}],
    ['uhlm-pd@0.5', {}],
    ['hlm', {}],
    ['cu-hlm@0.4', { tokenCount: 2 }],
  ])('of %s is that without, exactly', async (strategy, uplink) => {
    const without = await lawOf(strategy, uplink);
    const ahead = await lawOf(strategy, { ...uplink, ahead: 4 });
    expect(without.longRoundCount).toBe(0);
    if (strategy !== 'hlm') expect(ahead.longRoundCount).toBeGreaterThan(0);
    expect(without.law.size).toBeGreaterThan(2 ** LENGTH);
    expect(largestDifference(without.law, ahead.law)).toBeLessThan(1e-12);
  });
});

const WORDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', ''];

const word = (name: string, salt: number): ScriptedModel =>
  new ScriptedModel({
    ...{ name, tokens: WORDS, endOfGeneration: [WORDS.length - 1], cellCount: 512 },
    next: next(salt, 3, WORDS.length),
  });

interface Pair extends AsyncDisposable {
  readonly engine: Engine;
  readonly hub: Hub;
}

/** @param deliver sends a frame on to the hub, sooner or later */
async function deviceOf(
  uplink: UplinkOptions,
  deliver: (send: () => void) => void,
  { policy, isAway = () => false }: { policy?: LinkPolicy; isAway?: () => boolean } = {},
): Promise<Pair> {
  const hub = new Hub({ model: word('large', 40), digest: '0'.repeat(64) });
  const connect = async () => {
    if (isAway()) throw new PilotfishError('hub-unreachable', 'The hub is away.');
    const [near, far] = memoryTransports();
    void serveConnection(hub, far, 'device');
    const send = (frame: Uint8Array): void => {
      if (isAway()) near.close();
      else deliver(() => near.send(frame));
    };
    const transport: FrameTransport = { ...near, send };
    return { transport, facts: hub.facts };
  };
  const small = word('small', 7);
  const { transport, facts } = await connect();
  const options = { connect, vocabulary: small.vocabulary, policy };
  const large = new HubModel(options, facts, transport);
  const engine = new Engine({ models: { small, large }, uplink });
  return { engine, hub, [Symbol.asyncDispose]: () => engine.close() };
}

async function answer(engine: Engine, strategy: string, seed: number): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  const sampling = { temperature: 1 };
  const request = { promptTokenIds: [0, 1, 2], strategy, seed, sampling, maxTokens: 40 };
  for await (const event of engine.generate(request)) events.push(event);
  return events;
}

function tokensOf(events: readonly EngineEvent[]) {
  return events.flatMap((event) => {
    if (event.type !== 'token') return [];
    const { elapsedMs: _, round: __, ...token } = event;
    return [token];
  });
}

const draftCount = (events: readonly EngineEvent[]): number =>
  events.reduce(
    (sum, event) => sum + (event.type === 'work' && event.purpose === 'draft' ? 1 : 0),
    0,
  );
const roundCount = (events: readonly EngineEvent[]): number =>
  new Set(events.flatMap((event) => (event.type === 'token' ? [event.round] : []))).size;

describe('a device that drafts ahead', () => {
  const later = (send: () => void): void => {
    setTimeout(send, 2);
  };

  it('writes the tokens that it writes without, in fewer rounds', async () => {
    const both = new Engine({ models: { small: word('small', 7), large: word('large', 40) } });
    await using ahead = await deviceOf({ ahead: 8 }, later);
    let rounds = 0;
    let tokens = 0;
    let dropped = 0;
    for (const strategy of ['uhlm@0.75', 'uhlm-pd@0.8', 'hlm', 'random-uhlm@0.4']) {
      for (let seed = 0; seed < runs(4, 40); seed += 1) {
        const expected = await answer(both, strategy, seed);
        const events = await answer(ahead.engine, strategy, seed);
        expect(tokensOf(events)).toEqual(tokensOf(expected));
        rounds += roundCount(events);
        tokens += tokensOf(events).length;
        dropped += draftCount(events) - tokensOf(events).length;
      }
    }
    expect(rounds).toBeLessThan(0.8 * tokens);
    // Some drafts were rejected, and with them what was drafted behind.
    expect(dropped).toBeGreaterThan(0);
    await both.close();
    await vi.waitFor(() => expect(ahead.hub.status.requestCount).toBe(0));
    await ahead.hub.checkIdle();
  });

  it('does not draft past the limit of tokens', async () => {
    await using ahead = await deviceOf({ ahead: 64 }, later);
    const events: EngineEvent[] = [];
    for await (const event of ahead.engine.generate({
      ...{ promptTokenIds: [0, 1, 2], strategy: 'uhlm@0.9', seed: 1, maxTokens: 5 },
      sampling: { temperature: 1 },
    })) {
      events.push(event);
    }
    expect(tokensOf(events).length).toBeLessThanOrEqual(5);
    expect(draftCount(events)).toBeLessThanOrEqual(5 + 4);
  });

  it('goes on alone while the hub is away, also before it has opened the request', async () => {
    let isCut = false;
    await using ahead = await deviceOf({ ahead: 8 }, later, {
      policy: { ...LINK_POLICIES.small, patienceMs: 0, pauseMs: 1 },
      isAway: () => isCut,
    });
    const tokens: TokenEvent[] = [];
    for await (const event of ahead.engine.generate({
      ...{ promptTokenIds: [0, 1, 2], strategy: 'uhlm@0.75', seed: 5, maxTokens: 60 },
      sampling: { temperature: 1 },
    })) {
      if (event.type !== 'token') continue;
      tokens.push(event);
      // Time for the hub to open, and then none.
      if (event.index < 10) await new Promise((resolve) => setTimeout(resolve, 3));
      if (event.index === 20) isCut = true;
    }
    const isOffline = tokens.map((token) => token.isOffline === true);
    expect(isOffline.some((one, index) => one && index > 21)).toBe(true);
    expect(tokens.filter((token) => token.isOffline === true && token.verified)).toEqual([]);
    expect(tokens.map(({ index }) => index)).toEqual(tokens.map((_, index) => index));
  });

  it('ends with the error of a verdict that fails meanwhile, and goes on with the next request', async () => {
    let isBroken = true;
    await using ahead = await deviceOf({ ahead: 8 }, (send) => {
      if (isBroken) setTimeout(() => controller.abort(), 5);
      else send();
    });
    const controller = new AbortController();
    const asked = ahead.engine.generate({
      ...{ promptTokenIds: [0, 1, 2], strategy: 'hlm', seed: 1, signal: controller.signal },
    });
    const failed = (async () => {
      for await (const _ of asked);
    })();
    await expect(failed).rejects.toSatisfy(
      (error) => PilotfishError.isInstance(error) && error.code === 'aborted',
    );
    isBroken = false;
    expect(tokensOf(await answer(ahead.engine, 'uhlm@0.75', 3)).length).toBeGreaterThan(0);
  });

  it.each([-1, 65, 0.5])('cannot draft %d tokens ahead', (ahead) => {
    expect(() => createStrategy('uhlm', { uplink: { ahead } })).toThrow(
      expect.objectContaining({
        code: 'option-invalid',
        message: expect.stringContaining('ahead'),
      }),
    );
  });
});
