/** Grammars with a large model on a server: the text and the law of two local models. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import type { RowMasks } from '../../src/core/row-program.ts';
import { type SamplingParams, samplingParams } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Dialect } from '../../src/remote/dialect.ts';
import type { FakeCall, FakeVllmOptions } from '../../src/remote/fakes/fake-vllm.ts';
import type { ServedModel } from '../../src/remote/served-model.ts';
import { vllm } from '../../src/remote/vllm.ts';
import { WorkRecorder } from '../../src/session/work-recorder.ts';
import {
  chatWorld,
  idsOf,
  LARGE,
  local,
  PROMPT,
  type RemoteWorld,
  remoteWorld,
  run,
  SPECULATIVE,
  summaryOf,
  TOKENS,
} from './remote-world.ts';

const GRAMMARS = ['(ab|cd|ee){6}', '[ab]([c-e]|a{2}b){0,9}'];
const STRATEGIES = [
  ...[
    'large',
    'random@1',
    'random@0.5',
    'margin@0.4',
    'speculative',
    'cascade@0',
    'random-step@0.5',
  ],
  ...['hlm', 'uhlm@0.4'],
];

/** Takes no list of allowed tokens, and few forbidden ones. */
function forbidding(neverCountMax: number): Dialect {
  return { ...vllm, maskLimits: () => ({ onlyCountMax: 0, neverCountMax }) };
}

interface Server {
  readonly what: string;
  readonly serving: Partial<FakeVllmOptions>;
  readonly dialect: Dialect;
}

const SERVERS: readonly Server[] = [
  { what: 'lists all tokens', serving: {}, dialect: vllm },
  { what: 'lists the likeliest token', serving: { topCountMax: 1 }, dialect: vllm },
  { what: 'takes all forbidden tokens', serving: { topCountMax: 1 }, dialect: forbidding(7) },
];

/** Opened once: an engine's grammars have a thread of their own. */
let here: Engine;
beforeAll(() => {
  const models = { small: local('small'), large: local('large') };
  here = new Engine({ models, speculative: SPECULATIVE });
});
afterAll(() => here.close());

async function expected(request: GenerateRequest): Promise<readonly TokenId[]> {
  return idsOf(await run(here, request));
}

describe.each(SERVERS)('a server that $what', ({ serving, dialect }) => {
  let world: RemoteWorld;
  beforeAll(async () => {
    world = await remoteWorld(serving, { speculative: SPECULATIVE }, {}, dialect);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it.each(STRATEGIES)('writes greedily under %s what a model here writes', async (strategy) => {
    for (const regex of GRAMMARS) {
      for (const sampling of [{}, { logitBias: { '2': 1.5, '4': -1 } }]) {
        const request = { strategy, grammar: { regex }, sampling };
        const ids = idsOf(await run(world.engine, request));
        expect(ids).toEqual(await expected(request));
        expect(ids.length).toBeGreaterThan(1);
      }
    }
  });
});

describe.each([
  ...SERVERS,
  { what: 'takes a forbidden token', serving: {}, dialect: forbidding(1) },
])('a server that $what draws with the law of the masked distribution', (server) => {
  it.each(['rows', 'write'] as const)('by %s', async (by) => {
    await using world = await remoteWorld(server.serving, {}, {}, server.dialect);
    const counts = new Map<string, number>();
    for (let seed = 0; seed < DRAW_COUNT; seed += 1) {
      const key = (await pairOf(world.model, seed, by)).join(' ');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(worstDeviation(counts, pairLaw(TEMPERATURE))).toBeLessThan(DEVIATION_MAX);
    expect(worstDeviation(counts, pairLaw(0.5))).toBeGreaterThan(DEVIATION_MAX);
  });
});

describe('draws that are cut', () => {
  const SAMPLINGS: readonly Partial<SamplingParams>[] = [
    { temperature: 1, topK: 2 },
    { temperature: 0.7, topK: 4, topP: 0.8 },
  ];

  it.each(['large', 'random@1', 'margin@0.4', 'speculative'])(
    'are made here under %s where the largest log-probabilities decide them',
    async (strategy) => {
      await using world = await remoteWorld({}, { speculative: SPECULATIVE });
      for (const sampling of SAMPLINGS) {
        for (const regex of GRAMMARS) {
          const request = { strategy, sampling, grammar: { regex }, seed: 3 };
          expect(idsOf(await run(world.engine, request))).toEqual(await expected(request));
        }
      }
    },
  );

  it.each([{ topP: 0.3 }, { topK: 2 }, { minP: 0.5 }])(
    'are made by the server under the whole mask: %o',
    async (cut) => {
      const calls: FakeCall[] = [];
      const onCall = (call: FakeCall): void => void calls.push(call);
      await using world = await remoteWorld({ onCall, topCountMax: 1 });
      const sampling = { temperature: 1, ...cut };
      const request = { strategy: 'large', sampling, grammar: { regex: '[ab]{6}' } };
      const events = await run(world.engine, { ...request, maxTokens: 6 });
      expect(summaryOf(events).text).toMatch(/^[ab]{6}$/);
      const limits = calls.map(
        ({ body }) => (body as { allowed_token_ids?: unknown }).allowed_token_ids,
      );
      expect(limits).toEqual(Array(6).fill([0, 1]));
    },
  );

  it('are refused where the server takes too few forbidden tokens', async () => {
    await using world = await remoteWorld({ topCountMax: 1 }, {}, {}, forbidding(3));
    const request = { strategy: 'large', grammar: { regex: 'a*' } };
    const asked = run(world.engine, { ...request, sampling: { temperature: 1, topP: 0.5 } });
    await expect(asked).rejects.toMatchObject({ code: 'capability-missing' });
    await expect(asked).rejects.toThrow('it takes 3 forbidden tokens, too few for a grammar');
    expect(world.server.counts.callCount).toBe(0);
  });
});

it('a stream is left at a forbidden token, and another one goes on behind the repaired one', async () => {
  const bodies: { readonly prompt: number[]; readonly stream?: boolean }[] = [];
  const onCall = ({ body }: FakeCall): void => void bodies.push(body as (typeof bodies)[number]);
  await using world = await remoteWorld({ onCall });
  const request = { strategy: 'large', grammar: { regex: '(ab|cd|ee){12}' } };
  const ids = idsOf(await run(world.engine, request));
  const text = [...PROMPT, ...ids];
  const repairs = text.filter((id, at) => at >= PROMPT.length && id !== bestAt(text.slice(0, at)));
  expect(repairs.length).toBeGreaterThan(2);
  expect(bodies.filter(({ stream }) => stream !== true)).toHaveLength(repairs.length);
  // Every call sends the text that stands.
  for (const { prompt } of bodies) {
    const sent = typeof prompt[0] === 'number' ? prompt : (prompt as unknown as number[][])[0];
    expect(text.slice(0, sent?.length)).toEqual(sent);
  }
});

it('distributions under a grammar are those of greedy requests alone', async () => {
  await using world = await remoteWorld();
  const request = {
    strategy: 'hlm',
    grammar: { regex: 'a*' },
    sampling: { temperature: 1, topK: 3 },
  };
  await expect(run(world.engine, request)).rejects.toThrow('it gives no whole distributions.');
});

it('a server that takes conversations keeps to no grammar', async () => {
  await using world = await chatWorld();
  const asked = run(world.engine, { strategy: 'large', grammar: { regex: 'a*' } });
  await expect(asked).rejects.toThrow('it cannot keep to a grammar');
});

const DRAW_COUNT = 200;
const TEMPERATURE = 1.4;
/** In standard deviations, of nine pairs of letters. */
const DEVIATION_MAX = 3.5;

function bestAt(text: readonly TokenId[]): number {
  const row = LARGE(text);
  return row.indexOf(Math.max(...row));
}

/** The tokens that may come first and second. */
const ALLOWED: readonly (readonly number[])[] = [
  [0, 1, 2],
  [1, 3, 4],
];

async function pairOf(
  model: ServedModel,
  seed: number,
  by: 'rows' | 'write',
): Promise<readonly TokenId[]> {
  const masks = async (text: readonly TokenId[]): Promise<RowMasks> => {
    const words = ALLOWED.map((ids) =>
      Int32Array.of(ids.reduce((word, id) => word | (1 << id), 0)),
    );
    return new Map([[text.length, required(words[text.length - PROMPT.length], 'two tokens')]]);
  };
  await using session = model.openSession('far', {
    promptLength: PROMPT.length,
    sampling: {
      ...{ vocabularySize: TOKENS.length, seed },
      sampling: samplingParams({ temperature: TEMPERATURE }),
    },
    grammar: { masks },
    ...{ isEndOfGeneration: () => false, tokenBytes: () => new Uint8Array(1) },
    recorder: new WorkRecorder(),
    ...{ remoteSessions: new Set(), signal: new AbortController().signal },
  });
  const text = [...PROMPT];
  if (by === 'write') {
    const until = { tokenCountMax: 2 };
    const ids: TokenId[] = [];
    for await (const row of session.write({ text, until, purpose: 'correct' }))
      ids.push(row.tokenId);
    return ids;
  }
  while (text.length < PROMPT.length + 2) {
    const [row] = await session.rows({ text, outputCount: 1, purpose: 'correct' });
    text.push(required(row, 'one row').tokenId);
  }
  return text.slice(PROMPT.length);
}

function pairLaw(temperature: number): ReadonlyMap<string, number> {
  const among = (text: readonly TokenId[], allowed: readonly number[] = []): readonly number[] => {
    const weights = LARGE(text).map((p, id) => (allowed.includes(id) ? p ** (1 / temperature) : 0));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / sum);
  };
  const pairs = new Map<string, number>();
  for (const [a, p] of among(PROMPT, ALLOWED[0]).entries()) {
    const second = among([...PROMPT, ...tokenIds([a])], ALLOWED[1]);
    for (const [b, q] of second.entries()) if (p * q > 0) pairs.set(`${a} ${b}`, p * q);
  }
  return pairs;
}

function worstDeviation(
  counts: ReadonlyMap<string, number>,
  law: ReadonlyMap<string, number>,
): number {
  expect([...counts.keys()].every((key) => law.has(key))).toBe(true);
  const deviations = [...law].map(([key, p]) => {
    const mean = p * DRAW_COUNT;
    return Math.abs((counts.get(key) ?? 0) - mean) / Math.sqrt(mean * (1 - p));
  });
  return required(deviations.sort((a, b) => b - a)[0], `some pairs of ${TOKENS.length} tokens`);
}
