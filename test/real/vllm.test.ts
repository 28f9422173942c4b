/** A large model in a real vLLM: its own greedy text, its distribution, its cache, its cancelled calls. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/app/open-engine.ts';
import { required } from '../../src/core/invariant.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { hasPair, IS_SLICE, LARGE, realModel, run, SMALL } from './real-models.ts';
import { startVllm, type VllmServer, vllmModel, vllmPython } from './vllm.ts';

/** Both roles have the same weights in a slice: what is compared is the server with itself. */
const SERVED = IS_SLICE ? SMALL : LARGE;
const MAX_TOKENS = IS_SLICE ? 24 : 60;
const QUESTION = 'Natalia sold 48 clips in April and half as many in May. How many in all?';
const STRATEGIES = ['random@1', 'speculative', 'hlm', 'random-step@1', 'random-query@1'];

const found = (await hasPair()) ? await vllmPython() : { reason: 'the default pair is not here' };
if ('reason' in found) process.stderr.write(`SKIPPED: ${found.reason}\n`);

let server: VllmServer;
let engine: Engine;

beforeAll(async () => {
  if (!('python' in found)) return;
  const folder = await vllmModel(found.python, await realModel(SERVED));
  server = await startVllm(found.python, folder, 'big');
  engine = await openEngine({
    ...{ small: SMALL, large: `vllm:${server.url}/big`, server: { as: SERVED } },
    strategies: [...STRATEGIES, 'large', 'margin@0.5'],
    speculative: { proposer: 'small', draftLength: 3 },
    ...{ contextLength: 1024, threadCount: 1 },
  });
});
afterAll(async () => {
  if (!('python' in found)) return;
  await engine[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const REQUEST = { messages: [{ role: 'user' as const, content: QUESTION }], maxTokens: MAX_TOKENS };

describe.skipIf('reason' in found)('a large model in vLLM', () => {
  it.each(STRATEGIES)('writes under %s its own greedy text, up to near-ties', async (strategy) => {
    const alone = await run(engine, { ...REQUEST, strategy: 'large', logprobs: true });
    const mixed = await run(engine, { ...REQUEST, strategy });
    const at = alone.ids.findIndex((id, index) => id !== mixed.ids[index]);
    // All of it: neither more tokens nor fewer.
    if (at < 0) return expect(mixed.ids).toEqual(alone.ids);
    const other = required(mixed.ids[at], 'an answer as long');
    const gap = await gapOf(alone.ids.slice(0, at), other);
    process.stderr.write(`${strategy}: differs at ${at}, gap ${gap.toFixed(3)}\n`);
    expect(gap).toBeLessThan(NEAR_TIE);
  });

  it.each(['large', 'random@1', 'speculative'])(
    'keeps under %s to a grammar, greedily and at a temperature, with penalties and biases',
    async (strategy) => {
      const regex = '[A-Z][a-z]{2,9}( [0-9]{1,3} [a-z]{3,6}){1,2}\\.';
      const samplings = [
        {},
        { temperature: 1 },
        { presencePenalty: 1, frequencyPenalty: 0.2, logitBias: { '220': 2 } },
      ];
      for (const sampling of samplings) {
        const request = { ...REQUEST, strategy, sampling, grammar: { regex }, maxTokens: 60 };
        const { summary } = await run(engine, request);
        expect(summary.text).toMatch(new RegExp(`^${regex}$`));
      }
      const sampling = { temperature: 1, topP: 0.9 };
      const cut = run(engine, { ...REQUEST, strategy, sampling, grammar: { regex } });
      await expect(cut).rejects.toThrow('too few for a grammar');
    },
  );

  it('keeps the prefix between routed tokens', async () => {
    const { summary } = await run(engine, { ...REQUEST, strategy: 'margin@0.5' });
    const [bill] = Object.values(summary.models).flatMap(({ billed }) => billed ?? []);
    const { inputCount = 0, cachedCount = 0, callCount = 0 } = bill ?? {};
    expect(callCount).toBeGreaterThan(1);
    // All but a block of each text.
    expect(inputCount - cachedCount).toBeLessThan(64 * callCount + 100);
    expect(cachedCount).toBeGreaterThan(0);
  });

  it('stops where its reader leaves', async () => {
    const before = await server.metric('generation_tokens_total');
    const events = engine.generate({ ...REQUEST, strategy: 'large', maxTokens: 500 });
    for await (const event of events) if (event.type === 'token' && event.index === 2) break;
    await expect.poll(() => server.metric('num_requests_running'), { timeout: 10_000 }).toBe(0);
    expect((await server.metric('generation_tokens_total')) - before).toBeLessThan(60);
  });

  // Hundreds of texts: too long for a slice.
  it.skipIf(IS_SLICE)(
    'draws under speculative what it draws alone: two and three tokens in a row',
    async () => {
      const alone = await ownDraws(1);
      const flatter = await ownDraws(3);
      const mixed = await speculativeDraws();
      for (const length of [2, 3]) {
        const cut = (ids: readonly number[]): string => ids.slice(0, length).join(' ');
        const distance = distanceOf(mixed.map(cut), alone.map(cut));
        const other = distanceOf(mixed.map(cut), flatter.map(cut));
        process.stderr.write(
          `${length} tokens: ${distance.toFixed(2)}, of T=3 ${other.toFixed(2)}\n`,
        );
        expect(distance).toBeLessThan(DISTANCE_MAX);
        // The test can see a difference.
        expect(other).toBeGreaterThan(DISTANCE_MAX);
      }
    },
  );

  it('of another family is refused for tokens, and writes steps and answers', async () => {
    const other = openEngine({
      ...{ pair: 'pocket', large: `vllm:${server.url}/big`, strategies: ['margin'] },
    });
    await expect(other).rejects.toMatchObject({ code: 'capability-missing' });
    await using texts = await openEngine({
      ...{ pair: 'pocket', large: `vllm:${server.url}/big`, strategies: ['large', 'random-step'] },
    });
    for (const strategy of ['large', 'random-step@1']) {
      const { summary } = await run(texts, { ...REQUEST, strategy, maxTokens: 40 });
      expect(summary.text.length).toBeGreaterThan(10);
    }
  });
});

const SENTENCE = {
  messages: [{ role: 'user' as const, content: 'Name a colour in one short sentence.' }],
  maxTokens: 3,
};
const SPECULATIVE_COUNT = 240;
const OWN_COUNT = 960;
/** As many as the server computes together. */
const SIDE_BY_SIDE = 8;
/**
 * Standard deviations of the chi-squared distribution above its mean; with about 10 cells, draws of one
 * distribution exceed it once in a thousand runs.
 */
const DISTANCE_MAX = 4.5;
/** Draws of a cell in both samples; rarer sequences are one cell. */
const CELL_MIN = 20;

/** The first tokens of answers that the server draws by itself, in one call. */
async function ownDraws(temperature: number): Promise<readonly (readonly number[])[]> {
  const prompt = engine.promptTokens({ ...SENTENCE, strategy: 'large' });
  const body = await complete({
    ...{ prompt, max_tokens: SENTENCE.maxTokens, n: OWN_COUNT, seed: 1, temperature },
    ...{ top_k: -1, top_p: 1, min_p: 0, repetition_penalty: 1, return_token_ids: true },
  });
  return body.choices.map(({ token_ids }) => token_ids ?? []);
}

async function speculativeDraws(): Promise<readonly (readonly number[])[]> {
  const draws: (readonly number[])[] = [];
  while (draws.length < SPECULATIVE_COUNT) {
    const requests = Array.from({ length: SIDE_BY_SIDE }, (_, index) => ({
      ...{ ...SENTENCE, strategy: 'speculative', seed: draws.length + index },
      sampling: { temperature: 1 },
    }));
    const answers = await Promise.all(requests.map((request) => run(engine, request)));
    draws.push(...answers.map(({ ids }) => ids));
  }
  return draws;
}

/** Of two samples: chi-squared above its mean, in standard deviations. */
function distanceOf(some: readonly string[], others: readonly string[]): number {
  const total = new Map<string, number>();
  for (const key of [...some, ...others]) total.set(key, (total.get(key) ?? 0) + 1);
  const cellOf = (key: string): string => ((total.get(key) ?? 0) < CELL_MIN ? 'rare' : key);
  const cells = new Set([...total.keys()].map(cellOf));
  const weight = Math.sqrt(others.length / some.length);
  const terms = [...cells].map((cell) => {
    const [a = 0, b = 0] = [some, others].map(
      (keys) => keys.filter((key) => cellOf(key) === cell).length,
    );
    return (a * weight - b / weight) ** 2 / (a + b);
  });
  const freedom = cells.size - 1;
  expect(freedom).toBeGreaterThan(2);
  return (terms.reduce((sum, term) => sum + term, 0) - freedom) / Math.sqrt(2 * freedom);
}

/** In nats. Batches of other shapes round otherwise in bf16. */
const NEAR_TIE = 0.3;

/** How much less likely a token is than the likeliest, as the server says. */
async function gapOf(answer: readonly number[], other: number): Promise<number> {
  const prompt = [...engine.promptTokens({ ...REQUEST, strategy: 'large' }), ...answer];
  const body = await complete({
    ...{ prompt, max_tokens: 1, temperature: 0, logprobs: 20, return_tokens_as_token_ids: true },
  });
  const top = body.choices[0]?.logprobs?.top_logprobs[0] ?? {};
  return Math.max(...Object.values(top)) - (top[`token_id:${other}`] ?? Number.NEGATIVE_INFINITY);
}

interface Completion {
  readonly choices: readonly {
    readonly token_ids?: readonly number[];
    readonly logprobs: { readonly top_logprobs: readonly Record<string, number>[] } | null;
  }[];
}

async function complete(asked: object): Promise<Completion> {
  const response = await fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'big', ...asked }),
  });
  return (await response.json()) as Completion;
}
