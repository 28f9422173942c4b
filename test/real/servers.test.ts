/** A large model in another engine: what it writes, loses and stops, against the same model here. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/app/open-engine.ts';
import { required } from '../../src/core/invariant.ts';
import { GREEDY, type SamplingParams } from '../../src/core/sampling-params.ts';
import type { TokenId } from '../../src/core/token-id.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { type LlamaCppModel, loadModel } from '../../src/model/llama-cpp/model.ts';
import { soleSession } from '../../src/session/sole-session.ts';
import { teacherForce } from '../../src/testing/teacher-force.ts';
import { type LlamaServer, serverPython, startServer } from './llama-server.ts';
import { LOGIT_NOISE, realModel, run } from './real-models.ts';

const QUESTIONS = [
  'Ana has 12 apples. Ben gives Ana 5 apples. How many apples does Ana have now?',
  'Tom buys 3 boxes of 14 pens. Tom loses 6 pens. How many pens does Tom have now?',
];
const STRATEGIES = [
  ...['large', 'small', 'entropy@0.3', 'margin@0.5', 'random@0.5', 'random@1', 'citer@0.9'],
  ...['speculative', 'cascade@0.05', 'random-query@1', 'random-step@0.5', 'rsd-likelihood@0.9'],
];
const MASKED = ['large', 'margin@0.5', 'citer@0.9', 'speculative', 'cascade@0.05'];
const GRAMMARS = [
  { regex: '[A-Z][a-z]+ has [0-9]{1,3} [a-z]{4,9}\\.' },
  {
    jsonSchema: {
      type: 'object',
      properties: {
        name: { enum: ['Ana', 'Ben'] },
        count: { type: 'integer', maximum: 999, minimum: 0 },
      },
      required: ['name', 'count'],
      additionalProperties: false,
    },
  },
];
const SAMPLINGS: readonly Partial<SamplingParams>[] = [
  {},
  { presencePenalty: 0.8, penaltyWindow: 32 },
  { repetitionPenalty: 1.3, logitBias: { '40': 1 } },
];
const OPTIONS = {
  strategies: STRATEGIES,
  speculative: { proposer: 'small', draftLength: 4 },
  headsOptional: true,
} as const;

const found = await serverPython();
if ('reason' in found) process.stderr.write(`SKIPPED: ${found.reason}\n`);

let server: LlamaServer;
let remote: Engine;
let local: Engine;
let large: LlamaCppModel;

beforeAll(async () => {
  if (!('python' in found)) return;
  const path = await realModel('pocket-large');
  server = await startServer(found.python, path, 2048, 8);
  remote = await openEngine({
    ...{ ...OPTIONS, pair: 'pocket', large: `llama-server:${server.address}` },
    server: { as: 'pocket-large' },
  });
  local = await openEngine({ ...OPTIONS, pair: 'pocket' });
  large = await loadModel(path, { name: 'pocket-large', contextLength: 512 });
});
afterAll(async () => {
  if (!('python' in found)) return;
  await remote[Symbol.asyncDispose]();
  await local[Symbol.asyncDispose]();
  await large[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function asked(content: string): { messages: { role: 'user'; content: string }[] } {
  return { messages: [{ role: 'user', content }] };
}

describe.skipIf('reason' in found)('a large model in llama-server', () => {
  it.each(STRATEGIES)('writes under %s what it writes here, up to near-ties', async (strategy) => {
    for (const question of QUESTIONS) {
      const request = { ...asked(question), strategy, maxTokens: 80 };
      const [theirs, ours] = [await run(remote, request), await run(local, request)];
      const at = ours.ids.findIndex((id, index) => id !== theirs.ids[index]);
      if (at < 0) {
        expect(theirs.ids).toEqual(ours.ids);
        continue;
      }
      // What differs was written by the large model, and is as good a choice.
      const prompt = local.promptTokens({ ...asked(question), strategy });
      const prefix = [...prompt, ...theirs.ids.slice(0, at)];
      const forced = await teacherForce(large, prefix, theirs.ids.slice(at, at + 1));
      process.stderr.write(`${strategy}: differs at ${at}, gap ${forced.worstGap.toFixed(3)}\n`);
      expect(theirs.tokens[at]?.origin).toBe('large');
      expect(forced.worstGap).toBeLessThan(LOGIT_NOISE);
    }
  });

  it.each(MASKED)(
    'keeps under %s to a grammar as it does here, up to near-ties',
    async (strategy) => {
      for (const grammar of GRAMMARS) {
        for (const sampling of strategy === 'large' ? SAMPLINGS : [{}]) {
          const question = required(QUESTIONS[0], 'a question');
          const request = { ...asked(question), strategy, grammar, sampling, maxTokens: 60 };
          const [theirs, ours] = [await run(remote, request), await run(local, request)];
          const at = ours.ids.findIndex((id, index) => id !== theirs.ids[index]);
          if (at < 0) {
            expect(theirs.ids).toEqual(ours.ids);
            continue;
          }
          // Both are allowed, so one is as good a choice as the other.
          const prefix = [...local.promptTokens(request), ...theirs.ids.slice(0, at)];
          const gaps = [theirs, ours].map(({ ids }) => ids.slice(at, at + 1));
          const [a = 0, b = 9] = await Promise.all(
            gaps.map(async (ids) => (await teacherForce(large, prefix, ids)).worstGap),
          );
          process.stderr.write(`${strategy}: differs at ${at} by ${Math.abs(a - b).toFixed(3)}\n`);
          expect(Math.abs(a - b)).toBeLessThan(LOGIT_NOISE);
        }
      }
    },
  );

  it.each([{ topP: 0.9 }, { topK: 5 }, { topK: 200, minP: 0.05 }, { repetitionPenalty: 1.3 }, {}])(
    'draws from the tokens of a grammar, with %o',
    async (cut) => {
      for (const strategy of ['large', 'random@1', 'speculative']) {
        for (const seed of [1, 2, 3]) {
          const sampling = { temperature: 1.3, ...cut };
          const grammar = { regex: '[A-Z][a-z]{2,9}( [0-9]{1,3} [a-z]{3,6}){1,2}\\.' };
          const request = { ...asked('Say something.'), strategy, seed, sampling, grammar };
          const { summary } = await run(remote, { ...request, maxTokens: 100 });
          expect(summary.text).toMatch(/^[A-Z][a-z]{2,9}( [0-9]{1,3} [a-z]{3,6}){1,2}\.$/);
        }
      }
    },
  );

  it('bills one call for an answer of its own, and one for every routed token', async () => {
    const request = { ...asked(required(QUESTIONS[0], 'a question')), maxTokens: 80 };
    const billOf = (one: Awaited<ReturnType<typeof run>>) =>
      Object.values(one.summary.models).flatMap(({ billed }) => billed ?? [])[0];
    const alone = billOf(await run(remote, { ...request, strategy: 'large' }));
    expect(alone).toMatchObject({ callCount: 1 });
    const routed = await run(remote, { ...request, strategy: 'random@0.5' });
    const written = routed.tokens.filter(({ origin }) => origin === 'large').length;
    expect(billOf(routed)).toMatchObject({ callCount: written, outputCount: written });
    expect(billOf(routed)?.cachedCount).toBeGreaterThan(0);
  });

  it('stops where its reader leaves', async () => {
    const request = { ...asked('Say something.'), strategy: 'large', maxTokens: 400 };
    const before = await metric('tokens_predicted_total');
    for await (const event of remote.generate(request)) {
      if (event.type === 'token' && event.index === 2) break;
    }
    await expect.poll(() => metric('requests_processing'), { timeout: 5_000 }).toBe(0);
    expect((await metric('tokens_predicted_total')) - before).toBeLessThan(100);
  });

  it.each(['speculative', 'random@1', 'large'])(
    'draws three tokens in a row under %s as it does here, jointly',
    async (strategy) => {
      const request = { ...asked('Ana has 12 apples.'), strategy, maxTokens: 3 };
      const prompt = local.promptTokens(request);
      const counts = new Map<string, number>();
      for (let seed = 0; seed < DRAW_COUNT; seed += 1) {
        const sampling = { temperature: TEMPERATURE };
        const { ids } = await run(remote, { ...request, seed, sampling });
        const key = ids.join(' ');
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const expected = await jointOf(large, prompt);
      expect(worstDeviation(counts, expected)).toBeLessThan(DEVIATION_MAX);
      // The test can see a difference: at another temperature the counts would be far off.
      const flatter = await jointOf(large, prompt, TEMPERATURE * 1.5);
      expect(worstDeviation(counts, flatter)).toBeGreaterThan(DEVIATION_MAX);
    },
  );

  it('repeats a sampled text with its seed, and draws another with another', async () => {
    const sampling = { temperature: 1.2 };
    const text = async (seed: number): Promise<string> => {
      const request = { ...asked('Ana has'), strategy: 'random@1', maxTokens: 20, seed, sampling };
      return (await run(remote, request)).summary.text;
    };
    expect(await text(1)).toBe(await text(1));
    expect(await text(2)).not.toBe(await text(1));
  });
});

const DRAW_COUNT = 1_500;
const TEMPERATURE = 1.3;
/** Standard deviations; of some 50 sequences the largest stays below it in all but 1 of 1,000 runs. */
const DEVIATION_MAX = 4.2;

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${server.address}/metrics`)).text();
  const match = new RegExp(`^llamacpp:${name} ([\\d.e+]+)$`, 'm').exec(text);
  return Number(required(match?.[1], name));
}

/** The probabilities of three tokens in a row, of those that are not rare. */
async function jointOf(
  model: LlamaCppModel,
  prompt: readonly TokenId[],
  temperature = TEMPERATURE,
): Promise<ReadonlyMap<string, number>> {
  await using session = soleSession(model, {
    promptLength: prompt.length,
    sampling: {
      vocabularySize: model.vocabulary.size,
      sampling: { ...GREEDY, temperature },
      seed: 0,
    },
  });
  let prefixes: readonly { readonly ids: readonly TokenId[]; readonly p: number }[] = [
    { ids: [], p: 1 },
  ];
  for (let length = 0; length < 3; length += 1) {
    const longer: { readonly ids: readonly TokenId[]; readonly p: number }[] = [];
    for (const { ids, p } of prefixes) {
      const [row] = await session.rows({
        ...{ text: [...prompt, ...ids], outputCount: 1, purpose: 'verify' },
        reads: { distribution: true },
      });
      const distribution = required(row?.distribution, 'it was asked for');
      for (const [id, q] of distribution.entries()) {
        if (p * q > RARE) longer.push({ ids: [...ids, id as TokenId], p: p * q });
      }
    }
    prefixes = longer;
  }
  return new Map(prefixes.map(({ ids, p }) => [ids.join(' '), p]));
}

const RARE = 0.002;

/** The largest deviation of a count from its expectation, in standard deviations. */
function worstDeviation(
  counts: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
): number {
  const deviations = [...expected]
    .filter(([, p]) => p * DRAW_COUNT >= 8)
    .map(([key, p]) => {
      const mean = p * DRAW_COUNT;
      return Math.abs((counts.get(key) ?? 0) - mean) / Math.sqrt(mean * (1 - p));
    });
  expect(deviations.length).toBeGreaterThan(3);
  return Math.max(...deviations);
}
