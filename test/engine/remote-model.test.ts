/**
 * An engine whose large model is behind the port as one in another place is: no logits, no KV cache,
 * latency, failures and a bill. Every strategy that the capabilities allow writes what it writes with
 * two local models, and nothing is paid twice.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PilotfishError } from '../../src/core/errors.ts';
import type { EngineEvent, SummaryEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { Engine, type EngineOptions } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import {
  ScriptedModel,
  type ScriptedModelOptions,
} from '../../src/model/scripted/scripted-model.ts';
import {
  RemoteLikeModel,
  type RemoteLikeOptions,
  unreachable,
} from '../../src/session/fakes/remote-like-model.ts';
import type { StrategyValue } from '../../src/strategy/method.ts';
import { singleModel, smallMethod } from '../../src/strategy/single-model.ts';
import type { Strategy } from '../../src/strategy/strategy.ts';
import { writtenBy } from '../../src/strategy/written-by.ts';

const TOKENS = ['a', 'b', 'c', 'd', 'e', ''];
const END = TOKENS.length - 1;
const PROMPT = tokenIds([0, 1, 2, 3]);

function nextOf(isOdd: (hash: number) => boolean): (prefix: readonly TokenId[]) => number[] {
  return (prefix) => {
    const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 100_003, 7);
    const favourite = hash % 37 === 0 ? END : (hash + (isOdd(hash) ? 2 : 0)) % END;
    const sure = (hash >> 3) % 2 === 0 ? 0.9 : 0.4;
    return TOKENS.map((_, id) => (id === favourite ? sure : (1 - sure) / (TOKENS.length - 1)));
  };
}

const SMALL = nextOf((hash) => hash % 3 === 0);
const LARGE = nextOf(() => false);

function local(name: string, options: Partial<ScriptedModelOptions> = {}): ScriptedModel {
  return new ScriptedModel({
    ...{ name, tokens: TOKENS, endOfGeneration: [END], next: name === 'small' ? SMALL : LARGE },
    ...{ contextLength: 128, cellCount: 512 },
    ...options,
  });
}

function far(options: Partial<RemoteLikeOptions> = {}): RemoteLikeModel {
  const { facts, vocabulary } = local('large');
  return new RemoteLikeModel({
    ...{ facts: { ...facts, name: 'far' }, vocabulary, next: LARGE },
    ...options,
  });
}

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) {
    await engine.checkIdle();
    await engine.close();
  }
});

function open(options: EngineOptions): Engine {
  const engine = new Engine(options);
  engines.push(engine);
  return engine;
}

const SPECULATIVE = { proposer: 'small', draftLength: 3 } as const;

async function run(engine: Engine, request: GenerateRequest): Promise<readonly EngineEvent[]> {
  const events: EngineEvent[] = [];
  const whole = { promptTokenIds: PROMPT, maxTokens: 40, ...request };
  for await (const event of engine.generate(whole)) events.push(event);
  return events;
}

function summaryOf(events: readonly EngineEvent[]): SummaryEvent {
  const last = events.at(-1);
  if (last?.type !== 'summary') throw new Error('a run ends with its summary');
  return last;
}

function tokensOf(events: readonly EngineEvent[]) {
  return events.filter((event) => event.type === 'token');
}

const PRICES = { inputPerMillion: 2, outputPerMillion: 8 };

describe('a large model in another place', () => {
  it.each([
    ...['small', 'large', 'entropy@1', 'margin@0.4', 'random@0.4', 'cascade@0.2', 'cascade@9'],
    ...['random-query@0.5', 'speculative'],
  ])('writes under %s what two local models write, greedily', async (strategy) => {
    const model = far();
    const remote = open({
      ...{ models: { small: local('small'), large: model }, speculative: SPECULATIVE },
      prices: { large: PRICES },
    });
    const both = open({
      ...{ models: { small: local('small'), large: local('large') }, speculative: SPECULATIVE },
    });
    const [events, expected] = [await run(remote, { strategy }), await run(both, { strategy })];
    const seen = tokensOf(events).map(({ tokenId, origin, verified }) => [
      tokenId,
      origin,
      verified,
    ]);
    expect(seen).toEqual(
      tokensOf(expected).map(({ tokenId, origin, verified }) => [tokenId, origin, verified]),
    );
    expect(seen.length).toBeGreaterThan(5);
    const { readCount, writtenCount, callCount } = model.bill;
    const summary = summaryOf(events);
    const paid =
      (readCount * PRICES.inputPerMillion + writtenCount * PRICES.outputPerMillion) / 1e6;
    expect(summary.price).toBeCloseTo(paid, 12);
    const cost = summary.models['far'];
    expect([cost?.rowCount, cost?.outputRowCount]).toEqual([readCount, writtenCount]);
    expect(summary.linkBytesUp).toBe(4 * readCount);
    expect(summary.linkBytesDown).toBe(4 * writtenCount);
    const usesLarge = seen.some(([, origin, verified]) => origin === 'large' || verified === true);
    expect(callCount > 0).toBe(usesLarge);
    expect(model.openCallCount).toBe(0);
  });

  it('is asked once for an answer that it writes alone', async () => {
    const model = far();
    const engine = open({ models: { small: null, large: model } });
    const events = await run(engine, { strategy: 'large' });
    expect(tokensOf(events).length).toBeGreaterThan(5);
    expect(model.bill).toMatchObject({ callCount: 1, readCount: PROMPT.length });
  });

  it('is metered in full where a stop string ends an answer that it still writes', async () => {
    const model = far();
    const engine = open({ models: { small: null, large: model } });
    const whole = summaryOf(await run(engine, { strategy: 'large' })).text;
    const stop = [whole.slice(4, 7)];
    const before = { ...model.bill };
    const summary = summaryOf(await run(engine, { strategy: 'large', stop }));
    expect(summary).toMatchObject({ text: whole.slice(0, whole.indexOf(stop[0] ?? '')) });
    expect(summary.finishReason).toBe('stop-string');
    const written = model.bill.writtenCount - before.writtenCount;
    expect(summary.models['far']?.outputRowCount).toBe(written);
    expect(model.openCallCount).toBe(0);
  });

  it('has no call in flight when the reader leaves in the middle of an answer', async () => {
    const model = far();
    const engine = open({ models: { small: null, large: model } });
    for await (const event of engine.generate({ promptTokenIds: PROMPT, strategy: 'large' })) {
      if (event.type === 'token' && event.index === 2) break;
    }
    expect(model.openCallCount).toBe(0);
    expect(model.bill.callCount).toBe(1);
  });

  it('that fails ends the request, is asked no second time, and what was paid is metered', async () => {
    let callCount = 0;
    const model = far({
      onCall: async () => {
        callCount += 1;
        if (callCount === 3) throw unreachable();
      },
    });
    const engine = open({ models: { small: local('small'), large: model } });
    const events: EngineEvent[] = [];
    const request = { promptTokenIds: PROMPT, maxTokens: 60, strategy: 'random@1' };
    const failed = (async () => {
      for await (const event of engine.generate(request)) events.push(event);
    })();
    await expect(failed).rejects.toMatchObject({ code: 'source-unavailable' });
    expect(tokensOf(events)).toHaveLength(2);
    const work = events.filter((event) => event.type === 'work' && event.model === 'far');
    expect([model.bill.callCount, work.length]).toEqual([3, 3]);
  });

  it('is paid once where the small model runs out of cells and its requests are preempted', async () => {
    const model = far();
    const small = local('small', { cellCount: 50, contextLength: 50 });
    const engine = open({ models: { small, large: model }, overcommit: 8 });
    const prompts = [0, 1, 2, 3, 4].map((first) => tokenIds([first, 1, 2, 3, 4, first]));
    const request = { strategy: 'random@0.5', maxTokens: 40 };
    const alone = open({ models: { small: local('small'), large: local('large') } });
    const all = await Promise.all(
      prompts.map((promptTokenIds) => run(engine, { ...request, promptTokenIds })),
    );
    const texts: string[] = [];
    for (const promptTokenIds of prompts) {
      texts.push(summaryOf(await run(alone, { ...request, promptTokenIds })).text);
    }
    expect(all.map((events) => summaryOf(events).text)).toEqual(texts);
    const preempted = all.filter((events) =>
      summaryOf(events).notes.some((note) => note.includes('was preempted')),
    );
    expect(preempted.length).toBeGreaterThan(0);
    const written = all.flatMap(tokensOf).filter(({ origin }) => origin === 'large');
    expect(model.bill.callCount).toBe(written.length);
  });
});

/** A strategy of the tests' own. */
function strategyOf(name: string, strategy: Omit<Strategy, 'name' | 'thresholds'>): StrategyValue {
  const build = (): Strategy => ({ name, thresholds: {}, ...strategy });
  return { method: { ...smallMethod, name, build }, threshold: null, share: null, text: name };
}

/** Writes with a branch in each round, and leaves it as it is. */
const BRANCHING = strategyOf('branching', {
  needs: { large: {} },
  begin: ({ session }) => ({
    async round({ text }) {
      const until = { tokenCountMax: 5 };
      const stream = session('large').fork().write({ text, until, purpose: 'draft' });
      const { value } = await stream.next();
      return [writtenBy('large', required(value ?? undefined, 'a token'))];
    },
  }),
});

describe('the end of a request', () => {
  it('cancels and meters the branches of a model in another place, too', async () => {
    const model = far();
    const engine = open({ models: { small: null, large: model } });
    const summary = summaryOf(await run(engine, { strategy: BRANCHING, maxTokens: 3 }));
    expect([model.openCallCount, model.bill.callCount]).toEqual([0, 3]);
    expect(summary.models['far']?.outputRowCount).toBe(3);
  });

  it('cancels a stream whose reader stands still while the engine is closed', async () => {
    const model = far();
    const engine = new Engine({ models: { small: null, large: model } });
    const events = engine.generate({ promptTokenIds: PROMPT, strategy: 'large' });
    for (let count = 0; count < 4; count += 1) await events.next();
    expect(model.openCallCount).toBe(1);
    await engine.close();
    expect(model.openCallCount).toBe(0);
    const { value } = await events.next();
    expect(value).toMatchObject({ type: 'work', model: 'far', outputRowCount: 3 });
    await expect(events.next()).rejects.toMatchObject({ code: 'disposed' });
  });

  it('gives the cells back where a strategy cannot begin', async () => {
    const engine = open({ models: { small: local('small'), large: null } });
    const failure = new PilotfishError('native-failed', 'a failure of the test');
    const begin = (): never => {
      throw failure;
    };
    const strategy = strategyOf('failing', { needs: { small: {} }, begin });
    await expect(run(engine, { strategy })).rejects.toBe(failure);
    await engine.checkIdle();
  });

  it('loses no answer and no cells where a session elsewhere cannot be closed', async () => {
    const model = far();
    const openSession = model.openSession.bind(model);
    const failure = new PilotfishError('source-unavailable', 'a failure of the test');
    vi.spyOn(model, 'openSession').mockImplementation((id, request) => {
      const session = openSession(id, request);
      vi.spyOn(session, Symbol.asyncDispose).mockRejectedValue(failure);
      return session;
    });
    const engine = open({ models: { small: local('small'), large: model } });
    const summary = summaryOf(await run(engine, { strategy: 'random@0.5' }));
    expect(summary.tokenCount).toBeGreaterThan(0);
    await engine.checkIdle();
  });
});

describe('a model that writes nothing', () => {
  it('needs no log-probabilities and no grammar where the answer has them', async () => {
    const reward = far({ capabilities: { reads: {} } });
    const engine = open({ models: { small: local('small'), large: null, reward } });
    const strategy = strategyOf('rewarded', {
      needs: { small: {}, reward: {} },
      begin: (context) => singleModel('small').begin(context),
    });
    const events = await run(engine, { strategy, logprobs: true });
    expect(tokensOf(events).every(({ logprob }) => logprob !== null)).toBe(true);
  });
});

describe('a model without a capability that a strategy needs', () => {
  async function refusal(
    models: EngineOptions['models'],
    request: GenerateRequest,
    options: Partial<EngineOptions> = {},
  ): Promise<PilotfishError> {
    const engine = open({ models, ...options });
    try {
      await run(engine, request);
    } catch (error) {
      if (PilotfishError.isInstance(error)) return error;
    }
    throw new Error('it was not refused');
  }

  it.each([
    [{ reads: {} }, 'entropy', 'it gives no entropies and margins', 'small'],
    [{ outputRowCountMax: 0 }, 'random', 'it gives no rows of a given text', 'large'],
    [{ outputRowCountMax: 2 }, 'speculative', 'it gives at most 2 rows', 'large'],
    [{ input: 'text' as const }, 'speculative', 'it takes text and no token ids', 'large'],
  ])(
    'is refused by name before the request starts: %o',
    async (capabilities, strategy, why, label) => {
      const model = far({ capabilities });
      const models =
        label === 'small'
          ? { small: model, large: local('large') }
          : { small: local('small'), large: model };
      const error = await refusal(models, { strategy }, { speculative: SPECULATIVE });
      expect(error.code).toBe('capability-missing');
      expect(error.message).toContain(`cannot use far as its ${label} model: ${why}`);
      expect(error.fields).toMatchObject({ label, model: 'far' });
      expect(error.remedy).not.toBeNull();
      expect(model.bill.callCount).toBe(0);
    },
  );

  it('is refused for a grammar that it would not keep', async () => {
    const models = { small: local('small'), large: far() };
    const error = await refusal(models, { strategy: 'random', grammar: { json: true } });
    expect(error.message).toContain('it cannot keep to a grammar');
  });

  it('is refused for distributions, which rejection sampling needs', async () => {
    const models = { small: local('small'), large: far() };
    const speculative = { ...SPECULATIVE, verifier: 'rejection' as const };
    const error = await refusal(models, { strategy: 'speculative' }, { speculative });
    expect(error.message).toContain('it gives no whole distributions');
  });
});

describe('a prompt of token ids', () => {
  it('is read as it is', async () => {
    const engine = open({ models: { small: local('small'), large: null } });
    const byText = await run(engine, {
      promptTokenIds: undefined,
      prompt: 'abcd',
      strategy: 'small',
    });
    expect(summaryOf(await run(engine, { strategy: 'small' })).text).toBe(summaryOf(byText).text);
  });

  it('is refused with an id that the vocabulary does not have, or past the context', async () => {
    const engine = open({ models: { small: local('small'), large: null } });
    const asked = (promptTokenIds: readonly number[]) =>
      run(engine, { promptTokenIds, strategy: 'small' });
    await expect(asked([0, 99])).rejects.toMatchObject({
      code: 'option-invalid',
      message: 'promptTokenIds has 99, and the vocabulary has 6 tokens.',
    });
    await expect(asked(Array.from({ length: 200 }, () => 1))).rejects.toMatchObject({
      code: 'prompt-too-long',
    });
  });
});
