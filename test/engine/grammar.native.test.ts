/**
 * Constrained output through the whole engine, on real llama.cpp with random weights: under every
 * strategy, an answer that ended by itself keeps to its grammar.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PilotfishError } from '../../src/core/errors.ts';
import type { EngineEvent, SummaryEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import type { SamplingParams } from '../../src/core/sampling-params.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { anySchema } from '../../src/grammar/fakes/random-schema.ts';
import type { GrammarRequest } from '../../src/grammar/grammar-request.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { openRandomPair, type RandomPair } from '../../src/testing/random-pair.ts';
import { RUNS_ARE_FULL, runs } from '../runs.ts';

let coupling: RandomPair;
let rejection: RandomPair;
let lookup: RandomPair;
const ajv = new Ajv2020({ strict: false, logger: false });

beforeAll(async () => {
  coupling = await openRandomPair({
    speculative: { proposer: 'small', draftLength: 3 },
    // Branches follow the grammar, too.
    ...{ steps: { draftCount: 2, stepTokenCountMax: 8 }, samples: { count: 2 } },
  });
  rejection = await openRandomPair({
    speculative: { proposer: 'small', verifier: 'rejection', draftLength: 2 },
  });
  lookup = await openRandomPair({
    speculative: { proposer: 'prompt-lookup', verifier: 'rejection', draftLength: 4 },
  });
});
afterAll(async () => {
  for (const pair of [coupling, rejection, lookup]) await pair[Symbol.asyncDispose]();
});

async function run(engine: Engine, request: GenerateRequest): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  for await (const event of engine.generate({ maxTokens: 120, ...request })) events.push(event);
  return events;
}

/**
 * Null where random weights never write what only a check can tell from the invalid, and where a random
 * schema allows nothing.
 */
function refusedOr(error: unknown): null {
  if (!PilotfishError.isInstance(error)) throw error;
  const { code, message } = error;
  const allowsNothing = code === 'grammar-invalid' && message.startsWith('Nothing matches');
  if (code === 'schema-violated' || allowsNothing) return null;
  throw error;
}

function summary(events: readonly EngineEvent[]): SummaryEvent {
  return required(
    events.find((event) => event.type === 'summary'),
    'a finished run has a summary',
  );
}

const ids = (events: readonly EngineEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'token' ? [event.tokenId] : []));

/** Random weights write noise without end. This bias makes them close the brackets that they open. */
const CLOSING: Partial<SamplingParams> = {
  logitBias: Object.fromEntries([...Buffer.from('"}],')].map((byte) => [byte, 6])),
};
const SAMPLINGS: readonly Partial<SamplingParams>[] = [
  CLOSING,
  { ...CLOSING, temperature: 1 },
  { ...CLOSING, temperature: 1.5, topK: 20, repetitionPenalty: 1.2 },
];
const STRATEGIES: readonly [() => RandomPair, string][] = [
  ...[
    'small',
    'large',
    'entropy@2',
    'margin@0.2',
    'random@0.5',
    'cascade@1',
    'random-query@0.5',
    'speculative',
    'rsd-likelihood@0.1',
    'majority',
  ].map((strategy): [() => RandomPair, string] => [() => coupling, strategy]),
  [() => rejection, 'speculative'],
  [() => lookup, 'speculative'],
];

describe('a JSON schema', () => {
  it('holds under every strategy for every answer that ended by itself, or is refused', async () => {
    let endedCount = 0;
    let runCount = 0;
    await fc.assert(
      fc.asyncProperty(anySchema(1), fc.nat(), async (schema, seed) => {
        const validate = ajv.compile(schema);
        const prompt = `the fox {"a": [1, "b"], "name": null} ${seed}: {"a": [1, "b"]`;
        for (const [pair, strategy] of STRATEGIES) {
          const sampling = SAMPLINGS[(seed + runCount) % SAMPLINGS.length] ?? {};
          const request = { prompt, strategy, seed, sampling, grammar: { jsonSchema: schema } };
          const events = await run(pair().engine, request).catch(refusedOr);
          runCount += 1;
          if (events === null) continue;
          const { text, finishReason } = summary(events);
          if (finishReason !== 'end-of-generation') continue;
          endedCount += 1;
          const value: unknown = JSON.parse(text);
          expect([strategy, schema, text, validate(value)]).toEqual([strategy, schema, text, true]);
        }
      }),
      { numRuns: runs(2, 15) },
    );
    if (RUNS_ARE_FULL) expect(endedCount).toBeGreaterThan(runCount / 4);
  });

  it('keeps speculative equal to large, and gates at their ends equal to one model', async () => {
    const grammar = { jsonSchema: { type: 'object', additionalProperties: { type: 'integer' } } };
    for (const [seed, sampling] of SAMPLINGS.entries()) {
      const request = { prompt: 'the fox', grammar, sampling, seed };
      const of = async (strategy: string): Promise<number[]> =>
        ids(await run(coupling.engine, { ...request, strategy }));
      const [small, large] = [await of('small'), await of('large')];
      expect(await of('speculative')).toEqual(large);
      expect(await of('margin@2')).toEqual(large);
      expect(await of('entropy@99')).toEqual(small);
    }
  });
});

describe('other grammars', () => {
  it.each<[GrammarRequest, RegExp]>([
    [{ regex: '(yes|no)( because [a-z]{2,5})?' }, /^(yes|no)( because [a-z]{2,5})?$/],
    [{ gbnf: 'root ::= "é" ("日" | "本"){2,3} .?' }, /^é(日|本){2,3}.?$/u],
    [{ json: true }, /^\{.*\}$/s],
  ])('%j holds under every strategy', async (grammar, pattern) => {
    for (const [pair, strategy] of STRATEGIES) {
      const request = { prompt: 'the fox', strategy, grammar, sampling: SAMPLINGS[1] ?? {} };
      const events = await run(pair().engine, request);
      const { text, finishReason } = summary(events);
      if (finishReason === 'end-of-generation') expect(text).toMatch(pattern);
      const [start] = events;
      expect(start).toMatchObject({ type: 'start', grammar: expect.any(String) });
    }
  });

  it('make forced tokens certain: a gate does not call for them', async () => {
    const request = { prompt: 'the fox', grammar: { regex: 'xyzzy-wq' } };
    const events = await run(coupling.engine, { ...request, strategy: 'entropy@0.000001' });
    expect(summary(events).text).toBe('xyzzy-wq');
    // Only the end leaves a choice, between several end tokens.
    const forced = events.filter((event) => event.type === 'token').slice(0, -1);
    expect(forced.map(({ origin, score }) => [origin, score])).toEqual(
      forced.map(() => ['small', 0]),
    );
  });

  it('give the same text for the same seed', async () => {
    const request = { prompt: 'the', grammar: { json: true }, strategy: 'random@0.5' } as const;
    const once = ids(await run(coupling.engine, { ...request, sampling: { temperature: 1 } }));
    expect(ids(await run(coupling.engine, { ...request, sampling: { temperature: 1 } }))).toEqual(
      once,
    );
  });
});

describe('a vocabulary of another kind', () => {
  it('SentencePiece with byte fallback: tokens are their bytes', async () => {
    await using pair = await openRandomPair({
      shape: { tokenizer: 'sentencepiece', chatTemplate: null },
      speculative: { proposer: 'small', draftLength: 3 },
    });
    const grammar = {
      jsonSchema: {
        type: 'object',
        properties: { é: { type: 'string', pattern: '^the 日{2}$' } },
        required: ['é'],
        additionalProperties: false,
      },
    };
    for (const strategy of ['small', 'large', 'margin@0.2', 'speculative']) {
      const request = { prompt: 'the inner', strategy, grammar, sampling: { temperature: 1 } };
      const { text, finishReason } = summary(await run(pair.engine, request));
      expect([JSON.parse(text), finishReason]).toEqual([{ é: 'the 日日' }, 'end-of-generation']);
    }
  });
});

describe('endings', () => {
  it('are left to the grammar: the end only where it is complete, and always there', async () => {
    const bias = { sampling: { logitBias: { 266: 900 } } };
    // The end token is by far the most probable token, but it has to wait for the third letter.
    const request = { prompt: 'the', grammar: { regex: '[a-z]{3,9}' }, strategy: 'small', ...bias };
    const { text, finishReason } = summary(await run(coupling.engine, request));
    expect(coupling.small.vocabulary.isEndOfGeneration(266 as never)).toBe(true);
    expect([text.length, finishReason]).toEqual([3, 'end-of-generation']);
  });

  it('that come in the middle leave no state behind', async () => {
    const grammar = { regex: '[a-z]{50}' };
    const request = { prompt: 'the', grammar, strategy: 'speculative' };
    for (const count of [0, 1, 5]) {
      const abort = new AbortController();
      const events = coupling.engine.generate({
        ...request,
        signal: abort.signal,
        sampling: CLOSING,
      });
      let seen = 0;
      const reading = async (): Promise<void> => {
        for await (const event of events) {
          if (event.type === 'token') seen += 1;
          if (seen >= count) abort.abort();
        }
      };
      await expect(reading()).rejects.toMatchObject({ code: 'aborted' });
    }
    // The reader leaves; nothing is aborted.
    for await (const event of coupling.engine.generate(request)) if (event.type === 'token') break;
    expect(coupling.engine.load).toEqual({ runningCount: 0, waitingCount: 0 });
    await coupling.engine.checkIdle();
    const after = await run(coupling.engine, { prompt: 'a', grammar: { regex: 'ok' } });
    expect(summary(after).text).toBe('ok');
  });

  it('come as an error where the vocabulary cannot write on', async () => {
    const model = new ScriptedModel({
      tokens: ['a', 'b', ''],
      endOfGeneration: [2],
      next: () => [0.5, 0.5, 0],
    });
    await using engine = new Engine({ models: { small: model, large: null } });
    const run = async (grammar: GrammarRequest): Promise<string> => {
      let text = '';
      const request = { prompt: 'ab', strategy: 'small', grammar, maxTokens: 9 };
      for await (const event of engine.generate(request))
        if (event.type === 'token') text += event.text;
      return text;
    };
    await expect(run({ regex: 'abc' })).rejects.toMatchObject({ code: 'grammar-stuck' });
    // The end has no probability, and no other token is allowed.
    await expect(run({ regex: 'ab' })).rejects.toMatchObject({ code: 'grammar-stuck' });
  });
});

describe('a grammar of a request that waits', () => {
  it('is not compiled before there is room, and gives the room back if it is invalid', async () => {
    await using pair = await openRandomPair({ requestCountMax: 1 });
    const { engine } = pair;
    const first = engine.generate({ prompt: 'the', strategy: 'small', maxTokens: 9 });
    await first.next();
    const wrong = { prompt: 'the', grammar: { regex: '(' }, strategy: 'small' };
    const outcome = run(engine, wrong).catch((error: unknown) => error);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    expect(engine.load).toEqual({ runningCount: 1, waitingCount: 1 });
    await first.return();
    expect(await outcome).toMatchObject({ code: 'grammar-invalid' });
    expect(engine.load).toEqual({ runningCount: 0, waitingCount: 0 });
    await engine.checkIdle();
  });
});

describe('the error of a grammar', () => {
  it.each<[unknown, string]>([
    [{ jsonSchema: { type: 'object', not: {} } }, 'Nothing matches'],
    [{ regex: '(' }, 'Unterminated group'],
    [{ gbnf: 'root ::= x' }, 'no rule named x'],
    [{ gbnf: 'root ::= "a"', regex: 'a' }, 'in several ways'],
    [{ xml: true }, 'no kind of grammar "xml"'],
    [{}, 'no kind of grammar'],
    [{ json: false }, 'no kind of grammar "json"'],
    [{ gbnf: 7 }, 'not a text'],
    [{ jsonSchema: undefined }, 'not a text'],
    [{ jsonSchema: '{' }, 'not JSON'],
  ])('is reported for %j, and the next request runs', async (grammar, why) => {
    const wrong = { prompt: 'the', grammar: grammar as GrammarRequest, strategy: 'small' };
    await expect(run(coupling.engine, wrong)).rejects.toMatchObject({
      code: 'grammar-invalid',
      message: expect.stringContaining(why),
    });
    const right = { prompt: 'the', grammar: { regex: 'fine' }, strategy: 'small' };
    expect(summary(await run(coupling.engine, right)).text).toBe('fine');
  });
});
