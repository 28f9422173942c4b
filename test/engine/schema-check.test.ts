/** Answers whose grammar allows more than their schema: checked when they are whole, and drawn again. */
import { expect, it } from 'vitest';
import type { EngineEvent, SummaryEvent } from '../../src/core/events.ts';
import { samplingParams } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { SCHEMA_REDRAW_COUNT_MAX } from '../../src/engine/limits.ts';
import { ModelSet } from '../../src/engine/model-set.ts';
import { runRequest } from '../../src/engine/run-request.ts';
import { AnswerGrammar } from '../../src/grammar/answer-grammar.ts';
import { TOY_END, ToyMatcher } from '../../src/grammar/fakes/toy-matcher.ts';
import { GrammarTracker } from '../../src/grammar/grammar-tracker.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { singleModel } from '../../src/strategy/single-model.ts';

const END = 2;
const PROMPT = tokenIds([0]);
/** `a` or `b` once, or the same letter again, then the end. */
const ANY_LETTERS = {
  start: { 0: 'more', 1: 'more' },
  more: { 0: 'more', 1: 'more', [END]: TOY_END },
};

interface Run {
  readonly seed: number;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly violation: (text: string) => string | null;
  readonly stop?: readonly string[];
  /** The number of forwards after which the model fails. */
  readonly failsAfter?: number;
}

interface Ran {
  readonly events: readonly EngineEvent[];
  readonly error: unknown;
  readonly text: string;
  readonly summary: SummaryEvent | undefined;
}

/** `a` with 60 %, else `b`; then the end with 90 %, else a letter more. */
function model(failsAfter = Number.POSITIVE_INFINITY): ScriptedModel {
  let forwardCount = 0;
  const onForward = async (): Promise<void> => {
    forwardCount += 1;
    if (forwardCount > failsAfter) throw new Error('the model fails');
  };
  const next = (prefix: readonly TokenId[]): number[] =>
    prefix.length === PROMPT.length ? [0.6, 0.4, 0] : [0.05, 0.05, 0.9];
  return new ScriptedModel({ tokens: ['a', 'b', ''], endOfGeneration: [END], next, onForward });
}

async function run(asked: Run): Promise<Ran> {
  const { seed, temperature = 0, maxTokens = 8, violation, stop = [], failsAfter } = asked;
  await using models = new ModelSet({ small: model(failsAfter) });
  const tracker = new GrammarTracker(new ToyMatcher(ANY_LETTERS));
  const session = {
    masks: (answer: readonly TokenId[], from: number) => tracker.masks(answer, from),
    allowedLength: async (answer: readonly TokenId[]) => tracker.allowedLength(answer),
    unkept: ['#: made up'],
    violation: async (text: string) => violation(text),
    [Symbol.dispose]: () => {},
  };
  const sampling = samplingParams({ temperature });
  const request = { sampling, maxTokens, seed, stop, logprobs: false };
  const events: EngineEvent[] = [];
  let error: unknown = null;
  try {
    const options = { request, models, prompt: PROMPT, strategy: singleModel('small') };
    const signal = new AbortController().signal;
    const lease = models.soleLease();
    const clock = { nowMs: () => 0 };
    const grammar = new AnswerGrammar(session, PROMPT.length);
    for await (const event of runRequest({ ...options, lease, clock, signal, grammar })) {
      events.push(event);
    }
  } catch (caught) {
    error = caught;
  }
  const text = events.map((event) => (event.type === 'token' ? event.text : '')).join('');
  return { events, error, text, summary: events.find((event) => event.type === 'summary') };
}

const notA = (text: string): string | null => (text.startsWith('a') ? 'it begins with a' : null);
const drawnRows = ({ events }: Ran): number =>
  events.reduce((sum, event) => sum + (event.type === 'work' ? event.outputRowCount : 0), 0);

it('a valid answer is emitted once it is whole, with nothing else changed', async () => {
  const { events, error, text, summary } = await run({ seed: 1, violation: () => null });
  expect({ error, text }).toEqual({ error: null, text: 'a' });
  const lastWork = events.findLastIndex((event) => event.type === 'work');
  expect(events.findIndex((event) => event.type === 'token')).toBeGreaterThan(lastWork);
  expect(summary?.notes).toEqual([]);
});

it('an invalid answer is drawn again, also a greedy one, and every draw is paid for', async () => {
  const runs = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => run({ seed, violation: notA })));
  const valid = runs.filter(({ error }) => error === null);
  expect(valid.length).toBeGreaterThan(2);
  for (const one of valid) {
    expect(one.text).toMatch(/^b/);
    expect(one.summary?.text).toBe(one.text);
    expect(one.summary?.notes).toEqual([expect.stringContaining('was drawn again')]);
    // The first draw took two rows at least.
    expect(drawnRows(one)).toBeGreaterThan((one.summary?.tokenCount ?? 0) + 1);
  }
});

it('the same seed gives the same text, after the same draws', async () => {
  for (const temperature of [0, 1]) {
    const twice = await Promise.all(
      [7, 7].map((seed) => run({ seed, temperature, violation: notA })),
    );
    expect(twice[1]?.events).toEqual(twice[0]?.events);
  }
});

it('the last draw is emitted, and the request fails by name', async () => {
  const asked: string[] = [];
  const violation = (text: string): string => {
    asked.push(text);
    return 'nothing is right';
  };
  const { error, text, summary } = await run({ seed: 3, temperature: 1, violation });
  expect(asked.length).toBe(1 + SCHEMA_REDRAW_COUNT_MAX);
  expect(new Set(asked).size).toBeGreaterThan(1);
  expect(text).toBe(asked.at(-1));
  expect(summary).toBeUndefined();
  expect(error).toMatchObject({
    code: 'schema-violated',
    fields: { violation: 'nothing is right', drawCount: 1 + SCHEMA_REDRAW_COUNT_MAX },
  });
});

it('an answer that a limit cuts is not checked: its finish reason says that it is not whole', async () => {
  const { text, summary, error } = await run({ seed: 1, maxTokens: 1, violation: notA });
  expect({ text, error }).toEqual({ text: 'a', error: null });
  expect(summary?.finishReason).toBe('token-limit');
});

it('a check that fails is the error of the request, after its tokens', async () => {
  const broken = (): never => {
    throw new Error('the thread ended');
  };
  const { text, error } = await run({ seed: 1, violation: broken });
  expect(text).toBe('a');
  expect(error).toMatchObject({ message: 'the thread ended' });
});

it('what was held back comes in order where the model fails', async () => {
  const sampled = { temperature: 1, violation: () => null };
  const seeds = Array.from({ length: 60 }, (_, seed) => seed);
  const all = await Promise.all(seeds.map((seed) => run({ ...sampled, seed })));
  const seed = all.findIndex(({ text }) => /^(ab|ba)/.test(text));
  const text = all[seed]?.text.slice(0, 2) ?? '';
  // The first token waits for the check. The second may begin a stop string, so it waits before that.
  const stop = [`${text.at(-1)}!`];
  const failed = await run({ ...sampled, seed, stop, failsAfter: 2 });
  expect(failed.error).toMatchObject({ message: 'the model fails' });
  expect(failed.text).toBe(text);
  const indices = failed.events.flatMap((event) => (event.type === 'token' ? [event.index] : []));
  expect(indices).toEqual([0, 1]);
});
