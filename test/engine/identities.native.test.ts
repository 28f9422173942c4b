/**
 * The ends of every range, on real llama.cpp with random weights: a gate that never calls the large
 * model is `small`, a gate that always does is `large`, and `speculative` is `large`. Token for token.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foldRunCost } from '../../src/accounting/run-cost.ts';
import type { EngineEvent, SummaryEvent, TokenEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import type { SamplingParams } from '../../src/core/sampling-params.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { openRandomPair, type RandomPair } from '../../src/testing/random-pair.ts';
import { runs } from '../runs.ts';

let coupling: RandomPair;
let rejection: RandomPair;

beforeAll(async () => {
  coupling = await openRandomPair({ speculative: { proposer: 'small', draftLength: 3 } });
  rejection = await openRandomPair({
    speculative: { proposer: 'prompt-lookup', verifier: 'rejection', draftLength: 4 },
  });
});
afterAll(async () => {
  await coupling[Symbol.asyncDispose]();
  await rejection[Symbol.asyncDispose]();
});

async function run(pair: RandomPair, request: GenerateRequest): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  for await (const event of pair.engine.generate({ maxTokens: runs(40, 60), ...request }))
    events.push(event);
  return events;
}

function tokens(events: readonly EngineEvent[]): TokenEvent[] {
  return events.filter((event) => event.type === 'token');
}

function ids(events: readonly EngineEvent[]): number[] {
  return tokens(events).map((event) => event.tokenId);
}

function summary(events: readonly EngineEvent[]): SummaryEvent {
  return required(
    events.find((event) => event.type === 'summary'),
    'a finished run has a summary',
  );
}

const SAMPLINGS: Readonly<Record<string, Partial<SamplingParams>>> = {
  greedy: {},
  sampled: { temperature: 1 },
  'greedy, penalised': { repetitionPenalty: 1.3, frequencyPenalty: 0.4, logitBias: { 101: 3 } },
  'sampled, penalised': { temperature: 1, presencePenalty: 1.5, penaltyWindow: 16 },
  'sampled, truncated': { temperature: 1.3, topK: 20, topP: 0.9, minP: 0.01 },
};
const PROMPTS = ['the quick brown fox', 'in the an on 12345', 'a\nb\nc\nd'];

describe.each(Object.entries(SAMPLINGS))('%s', (_name, sampling) => {
  const requests = PROMPTS.map((prompt, seed) => ({ prompt, sampling, seed }));
  const known = new Map<string, readonly EngineEvent[][]>();
  /** What one model alone writes, asked once, one request after the other. */
  const writtenBy = async (alone: string): Promise<readonly EngineEvent[][]> => {
    const written = [...(known.get(alone) ?? [])];
    for (const request of requests.slice(written.length)) {
      written.push(await run(coupling, { ...request, strategy: alone }));
    }
    known.set(alone, written);
    return written;
  };

  it.each([
    ['entropy@99', 'small'],
    ['entropy@-1', 'large'],
    ['margin@-1', 'small'],
    ['margin@2', 'large'],
    ['random@0', 'small'],
    ['random@1', 'large'],
  ])('%s writes the text of %s', async (gate, alone) => {
    const written = await writtenBy(alone);
    for (const [index, request] of requests.entries()) {
      const ofGate = await run(coupling, { ...request, strategy: gate });
      const ofModel = required(written[index], 'every request has an answer');
      expect(ids(ofGate)).toEqual(ids(ofModel));
      expect(summary(ofGate).text).toBe(summary(ofModel).text);
      expect(tokens(ofGate).every((token) => token.origin === alone)).toBe(true);
    }
  });

  it('speculative writes the text of large', async () => {
    let accepted = 0;
    const written = await writtenBy('large');
    for (const [index, request] of requests.entries()) {
      const drafted = await run(coupling, { ...request, strategy: 'speculative' });
      expect(ids(drafted)).toEqual(ids(required(written[index], 'every request has an answer')));
      accepted += tokens(drafted).filter((token) => token.verified).length;
    }
    // Without drafts the comparison would prove nothing.
    expect(accepted).toBeGreaterThan(10);
  });

  it('the same seed gives the same text, other seeds others', async () => {
    const request = { prompt: 'the fox', sampling, strategy: 'random@0.5' };
    const once = ids(await run(coupling, { ...request, seed: 4 }));
    expect(ids(await run(coupling, { ...request, seed: 4 }))).toEqual(once);
    const others = [];
    for (const seed of [5, 6, 7, 8]) others.push(ids(await run(coupling, { ...request, seed })));
    expect(others.some((other) => JSON.stringify(other) !== JSON.stringify(once))).toBe(true);
  });
});

describe('accounting', () => {
  it.each([
    'small',
    'large',
    'entropy',
    'margin',
    'random@0.3',
    'cascade',
    'random-query@0.5',
    'speculative',
  ])('%s: texts add up and the summary is a fold over the lines', async (strategy) => {
    const events = await run(coupling, { prompt: 'the fox', strategy, logprobs: true });
    const lines = events.map((event): EngineEvent => JSON.parse(JSON.stringify(event)));
    const start = required(
      lines.find((line) => line.type === 'start'),
      'a log starts',
    );
    const { text, tokenCount } = summary(lines);
    expect(tokens(lines).reduce((joined, token) => joined + token.text, '')).toBe(text);
    expect(tokens(lines).map((token) => token.index)).toEqual([...Array(tokenCount).keys()]);
    expect(summary(lines)).toMatchObject({ ...foldRunCost(start, lines) });
    expect(tokens(lines).every((token) => (token.logprob ?? 1) <= 0)).toBe(true);
    expect(lines[0]).toBe(start);
    expect(lines.at(-1)?.type).toBe('summary');
  });

  it('large costs exactly as much as the large model alone', async () => {
    const { weightTrafficRatio, generatedFlopsRatio, processedFlopsRatio, largeShare } = summary(
      await run(coupling, { prompt: 'the fox', strategy: 'large' }),
    );
    expect([weightTrafficRatio, generatedFlopsRatio, processedFlopsRatio, largeShare]).toEqual([
      1, 1, 1, 1,
    ]);
  });

  it('a larger random share makes a superset of large tokens as long as the texts agree', async () => {
    const at = async (share: number): Promise<boolean[]> =>
      tokens(await run(coupling, { prompt: 'the fox', strategy: `random@${share}`, seed: 3 })).map(
        (token) => token.origin === 'large',
      );
    const [less, more] = [await at(0.2), await at(0.6)];
    for (const [index, isLarge] of less.entries()) {
      if (isLarge && index < more.length) expect(more[index]).toBe(true);
    }
  });
});

describe('limits', () => {
  it('rejection sampling by prompt lookup ends where the context ends', async () => {
    const prompt = 'the fox '.repeat(30);
    const events = await run(rejection, {
      prompt,
      strategy: 'speculative',
      maxTokens: 1000,
      sampling: { temperature: 1 },
    });
    const { finishReason, tokenCount } = summary(events);
    expect(['context-limit', 'end-of-generation']).toContain(finishReason);
    expect(tokenCount).toBeGreaterThan(0);
  });

  it('refuses a prompt that fills the context, naming both numbers', async () => {
    await expect(run(coupling, { prompt: 'xyz '.repeat(400) })).rejects.toMatchObject({
      code: 'prompt-too-long',
      fields: { contextLength: 384 },
    });
  });

  it('stops at a stop string and does not show it', async () => {
    const whole = summary(await run(coupling, { prompt: 'the fox', strategy: 'large' })).text;
    const stop = [...whole].slice(10, 13).join('');
    for (const strategy of ['large', 'entropy@-1', 'speculative']) {
      const events = await run(coupling, { prompt: 'the fox', strategy, stop: [stop] });
      expect(summary(events).finishReason).toBe('stop-string');
      expect(summary(events).text).toBe(whole.slice(0, whole.indexOf(stop)));
    }
  });
});
