/**
 * Losslessness on the real sampler: the texts that `speculative` draws, thousands of times with fixed
 * seeds, have the large model's distribution. The exact proof is an enumeration (test/engine). This is
 * the same claim for native forwards, learned weights and the noise that users get.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { samplingParams } from '../../src/core/sampling-params.ts';
import type { TokenId } from '../../src/core/token-id.ts';
import { soleSession } from '../../src/session/sole-session.ts';
import type { SpeculativeOptions } from '../../src/strategy/strategy-options.ts';
import { answer, openPocket, type PocketPair, question, testProblems } from './pocket-pair.ts';

const DRAW_COUNT = 1000;
const STREAM_COUNT = 8;
const TOKEN_COUNT = 3;
/** A high temperature, so that there are several likely outcomes. */
const SAMPLING = { temperature: 1.6 };
/** Outcomes expected less often than this are counted together. */
const EXPECTED_MIN = 8;
/** Standard deviations of the chi-squared distribution. A wrong sampler exceeds this by far. */
const DEVIATIONS_MAX = 4;
const [problem] = testProblems(1);
const request = { ...question(required(problem, 'there is a problem')), sampling: SAMPLING };

const VERIFIERS: readonly SpeculativeOptions[] = [
  { proposer: 'small', draftLength: 3, verifier: 'rejection' },
  { proposer: 'small', draftLength: 3, verifier: 'coupling' },
];

async function drawn(pair: PocketPair): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let seed = 0;
  const worker = async (): Promise<void> => {
    while (seed < DRAW_COUNT) {
      seed += 1;
      const asked = { ...request, strategy: 'speculative', seed, maxTokens: TOKEN_COUNT };
      const key = (await answer(pair.engine, asked)).ids.join(' ');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: STREAM_COUNT }, worker));
  return counts;
}

/** Probabilities of the next token after the prompt and `answer`. */
async function next(
  pair: PocketPair,
  role: 'small' | 'large',
  tokens: readonly TokenId[],
): Promise<Float64Array> {
  const model = pair[role];
  const prompt = model.vocabulary.tokenize(model.vocabulary.renderChat(request.messages ?? []));
  await using session = soleSession(model, {
    promptLength: prompt.length,
    sampling: {
      vocabularySize: model.vocabulary.size,
      sampling: samplingParams(SAMPLING),
      seed: 0,
    },
  });
  const [row] = await session.rows({
    ...{ text: [...prompt, ...tokens], outputCount: 1, purpose: 'verify' },
    reads: { distribution: true },
  });
  return Float64Array.from(required(row?.distribution, 'the distribution was asked for'));
}

/** Probability of each outcome that was seen, by the chain rule. */
async function probabilities(
  pair: PocketPair,
  role: 'small' | 'large',
  outcomes: readonly string[],
): Promise<Map<string, number>> {
  const known = new Map<string, Promise<Float64Array>>();
  const result = new Map<string, number>();
  for (const outcome of outcomes) {
    const ids = outcome.split(' ').map(Number) as TokenId[];
    let probability = 1;
    for (const [index, id] of ids.entries()) {
      const prefix = ids.slice(0, index);
      const key = prefix.join(' ');
      const distribution = known.get(key) ?? next(pair, role, prefix);
      known.set(key, distribution);
      probability *= (await distribution)[id] ?? 0;
    }
    result.set(outcome, probability);
  }
  return result;
}

/** The distance of chi-squared above its mean, in standard deviations. Small cells count as one. */
function excess(
  counts: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
): number {
  let [chiSquared, cellCount, restSeen, restExpected] = [0, 0, DRAW_COUNT, DRAW_COUNT];
  for (const [outcome, probability] of expected) {
    const mean = probability * DRAW_COUNT;
    if (mean < EXPECTED_MIN) continue;
    const seen = counts.get(outcome) ?? 0;
    chiSquared += (seen - mean) ** 2 / mean;
    cellCount += 1;
    restSeen -= seen;
    restExpected -= mean;
  }
  if (restExpected > 0) chiSquared += (restSeen - restExpected) ** 2 / restExpected;
  return (chiSquared - cellCount) / Math.sqrt(2 * cellCount);
}

describe.each(VERIFIERS)('speculative by $verifier', (speculative) => {
  let pair: PocketPair;
  beforeAll(async () => {
    pair = await openPocket({ load: { cellCount: 4096 }, speculative });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  it("draws with the large model's distribution, and not with the small model's", async () => {
    const counts = await drawn(pair);
    const outcomes = [...counts.keys()];
    expect(outcomes.length).toBeGreaterThan(20);
    const byLarge = await probabilities(pair, 'large', outcomes);
    const bySmall = await probabilities(pair, 'small', outcomes);
    expect(excess(counts, byLarge)).toBeLessThan(DEVIATIONS_MAX);
    // The same test tells the two models apart: it can fail.
    expect(excess(counts, bySmall)).toBeGreaterThan(10 * DEVIATIONS_MAX);
  });
});
