/** Draws from the largest log-probabilities, where the request keeps no more tokens than those. */
import { describe, expect, it } from 'vitest';
import type { SamplingParams } from '../../src/core/sampling-params.ts';
import type { FakeCall } from '../../src/remote/fakes/fake-vllm.ts';
import { expected, idsOf, remoteWorld, run, SPECULATIVE, tokensOf } from './remote-world.ts';

const UPLINK = { uplink: { sends: 'ids' } } as const;
/** Of five letters and an end, top-k 4 leaves out two. */
const SAMPLINGS: readonly Partial<SamplingParams>[] = [
  { temperature: 1, topK: 4 },
  { temperature: 0.7, topK: 4, topP: 0.8 },
  { temperature: 1.5, topK: 5, minP: 0.2 },
];
const STRATEGIES = [
  ...['random@1', 'random@0.5', 'margin@0.4', 'speculative', 'hlm', 'uhlm@0.4', 'random-uhlm@0.5'],
  ...['rsd-likelihood@0'],
];

describe.each(STRATEGIES)('under %s', (strategy) => {
  it.each(SAMPLINGS)('are those of two local models, token for token: %o', async (sampling) => {
    await using world = await remoteWorld({}, { speculative: SPECULATIVE });
    for (const seed of [1, 2, 3]) {
      const request = { strategy, sampling, seed };
      const ids = idsOf(await run(world.engine, request));
      expect(ids).toEqual(await expected(request));
    }
  });
});

it('are those of two local models where only ids are sent, and the text is that of large', async () => {
  const sampling = { temperature: 1, topK: 3 };
  await using world = await remoteWorld({}, UPLINK);
  const request = { strategy: 'hlm', sampling, seed: 5 };
  const ids = idsOf(await run(world.engine, request));
  expect(ids).toEqual(await expected(request, UPLINK));
  expect(ids).toEqual(await expected({ ...request, strategy: 'large' }));
});

it('give the log-probability of the drawn token', async () => {
  const sampling = { temperature: 2, topK: 5 };
  await using world = await remoteWorld();
  const request = { strategy: 'random@1', sampling, seed: 3, logprobs: true };
  for (const { logprob } of tokensOf(await run(world.engine, request))) {
    expect([0.9, 0.4, 0.02, 0.12].some((p) => Math.abs(Math.log(p) - (logprob ?? 0)) < 1e-6)).toBe(
      true,
    );
  }
});

it.each([
  [{ temperature: 1 }, 'it gives no whole distributions, unless top-k is 1 to 20'],
  [{ temperature: 1, topK: 21 }, 'unless top-k is 1 to 20'],
  [{ temperature: 1, topK: 5, logitBias: { '1': 2 } }, 'unless top-k is 1 to 20'],
])('do not suffice with other parameters, which are refused: %o', async (sampling, why) => {
  await using world = await remoteWorld();
  await expect(run(world.engine, { strategy: 'hlm', sampling })).rejects.toThrow(why);
  expect(world.server.counts.callCount).toBe(0);
});

it('several texts at a temperature are several calls with seeds of their own', async () => {
  const bodies: unknown[] = [];
  const onCall = ({ body }: { readonly body: unknown }): void => void bodies.push(body);
  await using world = await remoteWorld({ onCall }, { speculative: SPECULATIVE });
  await run(world.engine, {
    strategy: 'speculative',
    sampling: { temperature: 1 },
    seed: 4,
    maxTokens: 20,
  });
  const calls = bodies as readonly { readonly seed?: number; readonly prompt: unknown[][] }[];
  const seeds = calls.map(({ seed }) => seed);
  expect(calls.every(({ prompt }) => prompt.length === 1)).toBe(true);
  expect(seeds.every((seed) => seed !== undefined)).toBe(true);
  // A position that is asked about again has the same seed, and every position its own.
  const lengths = calls.map(({ prompt }) => prompt[0]?.length);
  const pairs = new Set(lengths.map((length, index) => `${length} ${seeds[index]}`));
  expect(new Set(lengths).size).toBeLessThan(lengths.length);
  expect(pairs.size).toBe(new Set(lengths).size);
  expect(new Set(seeds).size).toBe(new Set(lengths).size);
});

it('texts that the server has not read are asked for behind the first of them', async () => {
  const counts: number[] = [];
  const onCall = ({ body }: { readonly body: unknown }): void => {
    counts.push((body as { readonly prompt: unknown[][] }).prompt.length);
  };
  await using world = await remoteWorld({ onCall }, { speculative: SPECULATIVE });
  const promptTokenIds = Array.from({ length: 80 }, (_, index) => index % 5);
  await run(world.engine, { strategy: 'speculative', promptTokenIds, maxTokens: 8 });
  expect(counts.slice(0, 3)).toEqual([1, 3, 4]);
});

describe('where the server gives no log-probabilities of a token,', () => {
  const request = { sampling: { temperature: 1, topK: 4 }, seed: 2 };

  async function silentWorld() {
    const bodies: Record<string, unknown>[] = [];
    const onCall = ({ body, response }: FakeCall): void => {
      const asked = body as Record<string, unknown>;
      bodies.push(asked);
      if (asked['logprobs'] === undefined) return;
      const choice = { index: 0, token_ids: [1], logprobs: null, finish_reason: 'length' };
      response.end(JSON.stringify({ choices: [choice], usage: null }));
    };
    return { bodies, world: await remoteWorld({ onCall }) };
  }

  it('the server draws with the same parameters, and a seed of the position', async () => {
    const { bodies, world } = await silentWorld();
    await using _ = world;
    const ids = idsOf(await run(world.engine, { ...request, strategy: 'random@1', maxTokens: 6 }));
    const draws = bodies.filter(({ logprobs }) => logprobs === undefined);
    expect(bodies).toHaveLength(2 * ids.length);
    expect(draws.every((body) => body['temperature'] === 1 && body['top_k'] === 4)).toBe(true);
    expect(new Set(draws.map(({ seed }) => seed)).size).toBe(ids.length);
    // It did not take the greedy token of the first question.
    expect(new Set(ids).size).toBeGreaterThan(1);
  });

  it('a strategy that needs the whole distribution fails by name', async () => {
    const { world } = await silentWorld();
    await using _ = world;
    await expect(run(world.engine, { ...request, strategy: 'hlm' })).rejects.toMatchObject({
      code: 'capability-missing',
      message: 'fake gives no log-probabilities at a character of several tokens.',
    });
  });
});
