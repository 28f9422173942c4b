/**
 * The prefix cache and preemption on real llama.cpp with random weights: texts equal those of requests
 * that share nothing, up to near-ties, and no text is read twice.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../src/core/chat-message.ts';
import type { EngineEvent, StartEvent, SummaryEvent, WorkEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import type { ModelRole } from '../../src/core/model-id.ts';
import { tokenIds } from '../../src/core/token-id.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { asStrategy } from '../../src/strategy/strategy-value.ts';
import { openRandomPair, type RandomPair } from '../../src/testing/random-pair.ts';
import { teacherForce } from '../../src/testing/teacher-force.ts';
import { collectEvents, tokenIdsOf } from './collected-events.ts';

const STRATEGIES = [
  'small',
  'large',
  'entropy@2',
  'margin@0.5',
  'random@0.5',

  'speculative',
];
const ROLES: readonly ModelRole[] = ['small', 'large'];
/** A near-tie for these random weights, in logits: forwards of other shapes differed by up to 0.014. */
const NEAR_TIE = 0.03;
const QUESTIONS = ['the quick brown fox', 'and then?', 'in the an on'];
const SPECULATIVE = { proposer: 'small', draftLength: 3 } as const;

let pair: RandomPair;
beforeEach(async () => {
  pair = await openRandomPair({ speculative: SPECULATIVE });
});
afterEach(async () => {
  await pair.engine.checkIdle();
  expect(pair.engine.load).toEqual({ runningCount: 0, waitingCount: 0 });
  await pair[Symbol.asyncDispose]();
});

const collect = (request: GenerateRequest): Promise<EngineEvent[]> =>
  collectEvents(pair.engine.generate(request));

function summary(events: readonly EngineEvent[]): SummaryEvent {
  return required(
    events.find((event) => event.type === 'summary'),
    'it ended well',
  );
}

function startOf(events: readonly EngineEvent[]): StartEvent {
  const start = events.find((event) => event.type === 'start');
  return required(start, 'it began');
}

function workOf(events: readonly EngineEvent[], role: ModelRole): WorkEvent[] {
  const id = startOf(events).labels[role];
  return events.filter((event): event is WorkEvent => event.type === 'work' && event.model === id);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
const rowsOf = (work: readonly WorkEvent[]): number => sum(work.flatMap((each) => each.rowCounts));
const reusedOf = (work: readonly WorkEvent[]): number =>
  sum(work.map(({ reusedRowCount }) => reusedRowCount));

function promptCount(events: readonly EngineEvent[]): number {
  return startOf(events).promptTokenCount;
}

/** Checks that each row of the prompt was read once, here or earlier. */
function checkPrompt(events: readonly EngineEvent[]): void {
  for (const role of ROLES) {
    const work = workOf(events, role);
    if (work.length === 0) continue;
    const prefill = work.filter(({ purpose }) => purpose === 'prefill');
    expect(rowsOf(prefill) + reusedOf(work)).toBe(promptCount(events) - 1);
  }
}

/** Checks that the text of one model is its own choice, up to near-ties. */
async function checkForced(request: GenerateRequest, written: readonly number[]): Promise<void> {
  const { messages = [], prompt, sampling = {}, seed = 0 } = request;
  const strategy = asStrategy(request.strategy ?? '').text;
  if (!['small', 'large', 'speculative'].includes(strategy)) return;
  const model = strategy === 'small' ? pair.small : pair.large;
  const { vocabulary } = model;
  const tokens = vocabulary.tokenize(prompt ?? vocabulary.renderChat(messages));
  const forced = await teacherForce(model, tokens, tokenIds(written), { sampling, seed });
  expect(forced.worstGap).toBeLessThan(NEAR_TIE);
}

async function chat(
  strategy: string,
  seed: number,
  turn: (request: GenerateRequest) => Promise<string>,
): Promise<void> {
  const messages: ChatMessage[] = [];
  for (const content of QUESTIONS) {
    messages.push({ role: 'user', content });
    const request = {
      messages: [...messages],
      strategy,
      seed,
      maxTokens: 16,
      sampling: { temperature: seed % 2 },
    };
    messages.push({ role: 'assistant', content: await turn(request) });
  }
}

describe('the turns of a chat', () => {
  it('are answered as without reuse, up to near-ties', async () => {
    let [turnCount, otherCount, reusedCount] = [0, 0, 0];
    for (const [seed, strategy] of STRATEGIES.entries()) {
      await chat(strategy, seed, async (request) => {
        const apart = await collect({ ...request, reusePrefix: false });
        const reusing = await collect(request);
        for (const events of [apart, reusing]) checkPrompt(events);
        expect(summary(apart).reusedRowCount).toBe(0);
        reusedCount += summary(reusing).reusedRowCount;
        turnCount += 1;
        if (JSON.stringify(tokenIdsOf(apart)) !== JSON.stringify(tokenIdsOf(reusing))) {
          otherCount += 1;
          await checkForced(request, tokenIdsOf(reusing));
        }
        await pair.engine.checkIdle();
        return summary(reusing).text;
      });
    }
    expect(reusedCount).toBeGreaterThan(turnCount * 10);
    expect(otherCount).toBeLessThan(turnCount / 4);
  });

  it.each(STRATEGIES)('%s reads no text of the turn before again', async (strategy) => {
    let known = 0;
    await chat(strategy, 0, async (request) => {
      const events = await collect(request);
      checkPrompt(events);
      const { reusedRowCount, tokenCount, text } = summary(events);
      // The whole prompt of the turn before. The answer may be tokenised otherwise than it was written.
      expect(reusedRowCount).toBeGreaterThanOrEqual(known);
      const read = promptCount(events) - 1;
      const alone = ROLES.find((role) => role === strategy);
      if (alone !== undefined) {
        expect(rowsOf(workOf(events, alone))).toBe(read - reusedRowCount + tokenCount);
      }
      known = read;
      return text;
    });
    expect(known).toBeGreaterThan(0);
  });

  it('continue from their prefix, though the context has no room for a copy', async () => {
    const first = { prompt: 'the fox '.repeat(40), strategy: 'large', maxTokens: 8 };
    expect(promptCount(await collect(first))).toBeGreaterThan(384 / 2);
    const next = { ...first, prompt: `${first.prompt}in the an` };
    const reusing = await collect(next);
    expect(summary(reusing).reusedRowCount).toBeGreaterThan(384 / 2);
    const apart = tokenIdsOf(await collect({ ...next, reusePrefix: false }));
    if (JSON.stringify(tokenIdsOf(reusing)) !== JSON.stringify(apart)) {
      await checkForced(next, tokenIdsOf(reusing));
    }
  });

  it('that run side by side share one prefix, and each writes its own text', async () => {
    const system: ChatMessage = { role: 'system', content: 'in the an on the other and then' };
    const requests = STRATEGIES.map((strategy, seed) => ({
      messages: [system, { role: 'user' as const, content: `the ${seed}` }],
      strategy,
      seed,
      maxTokens: 12,
    }));
    const apart: number[][] = [];
    for (const request of requests) {
      apart.push(tokenIdsOf(await collect({ ...request, reusePrefix: false })));
    }
    await collect(required(requests[2], 'a request of both models'));
    const together = await Promise.all(requests.map(collect));
    let otherCount = 0;
    for (const [index, events] of together.entries()) {
      expect(summary(events).reusedRowCount).toBeGreaterThan(20);
      if (JSON.stringify(tokenIdsOf(events)) === JSON.stringify(apart[index])) continue;
      otherCount += 1;
      await checkForced(required(requests[index], 'it was asked'), tokenIdsOf(events));
    }
    expect(otherCount).toBeLessThan(requests.length / 2);
  });
});

describe('requests that share nothing', () => {
  it('find no prefix and leave none', async () => {
    const request = { prompt: 'the quick brown fox', strategy: 'entropy@2', maxTokens: 8 };
    await collect({ ...request, reusePrefix: false });
    expect(await pair.small.countCachedTokens()).toBe(0);
    expect(await pair.large.countCachedTokens()).toBe(0);
    await collect(request);
    expect(await pair.small.countCachedTokens()).toBeGreaterThan(10);
    const again = await collect({ ...request, reusePrefix: false });
    expect(summary(again).reusedRowCount).toBe(0);
  });

  it('are all requests after the engine forgot its prefixes', async () => {
    const request = { prompt: 'the quick brown fox', strategy: 'large', maxTokens: 8 };
    await collect(request);
    await pair.engine.forget();
    expect(pair.large.sequenceCount).toBe(0);
    expect(summary(await collect(request)).reusedRowCount).toBe(0);
    expect(summary(await collect(request)).reusedRowCount).toBeGreaterThan(10);
  });
});

describe('an engine that reserves less than the worst case', () => {
  it('preempts the youngest where a cache is full, without a change in any text', async () => {
    await pair[Symbol.asyncDispose]();
    pair = await openRandomPair({ speculative: SPECULATIVE, overcommit: 12 });
    const requests = STRATEGIES.map((strategy, seed) => ({
      prompt: 'the quick brown fox',
      strategy,
      seed,
      maxTokens: 200,
      // Bans the end-of-generation tokens of both models, so that no answer ends early.
      sampling: { temperature: 1, logitBias: { 264: -100, 265: -100, 266: -100 } },
    }));
    const alone: number[][] = [];
    for (const request of requests) {
      alone.push(tokenIdsOf(await collect({ ...request, reusePrefix: false })));
    }
    const together = await Promise.all(requests.map(collect));
    const notes = together.flatMap((events) => summary(events).notes);
    const preempted = notes.filter((note) => note.includes('was preempted'));
    expect(preempted.length).toBeGreaterThan(0);
    for (const note of preempted) expect(note).toContain('for other requests 1 time');
    for (const [index, events] of together.entries()) {
      expect(summary(events).tokenCount).toBe(200);
      if (JSON.stringify(tokenIdsOf(events)) === JSON.stringify(alone[index])) continue;
      await checkForced(required(requests[index], 'it was asked'), tokenIdsOf(events));
    }
  });
});
