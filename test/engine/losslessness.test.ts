/**
 * The output distributions of `speculative` and `hlm` equal the large model's exactly, through the whole
 * loop: every draft, every accept and reject, and every way in which a request can end is enumerated.
 */
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { type SamplingParams, samplingParams } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { ModelSet } from '../../src/engine/model-set.ts';
import { type RunOptions, runRequest } from '../../src/engine/run-request.ts';
import { AnswerGrammar } from '../../src/grammar/answer-grammar.ts';
import { TOY_END, ToyMatcher, type ToyTable } from '../../src/grammar/fakes/toy-matcher.ts';
import { GrammarTracker } from '../../src/grammar/grammar-tracker.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { singleModel } from '../../src/strategy/single-model.ts';
import { speculative } from '../../src/strategy/speculative.ts';
import type { Strategy } from '../../src/strategy/strategy.ts';
import type { SpeculativeOptions } from '../../src/strategy/strategy-options.ts';
import { hybrid } from '../../src/strategy/uhlm.ts';
import {
  enumerateDraws,
  largestDifference,
  type PathDraws,
} from '../../src/testing/enumerate-draws.ts';
import { RUNS_ARE_FULL } from '../runs.ts';

const END = 3;
/** A repetitive prompt, so that prompt lookup proposes tokens from the first round on. */
const PROMPT = [0, 1, 0, 1];
const TOKENS = ['a', 'b', 'c', ''];

/** A distribution that depends on the last two tokens, different for each model. */
function script(salt: number): (prefix: readonly TokenId[]) => number[] {
  return (prefix) => {
    const state = (prefix.at(-1) ?? 0) * 5 + (prefix.at(-2) ?? 0) * 3 + salt;
    const weights = [1 + (state % 4), (state * 7) % 5, 1 + ((state * 3) % 3), (state % 7) / 4];
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };
}

interface Case {
  readonly strategy: () => Strategy;
  readonly maxTokens?: number;
  readonly contextLength?: number;
  readonly stop?: readonly string[];
  /** Aborts when this many tokens were emitted. The outcome is the emitted text. */
  readonly abortAfter?: number;
  readonly sampling?: Partial<SamplingParams>;
  readonly grammar?: {
    readonly table: ToyTable;
    /** Whether drafts are cut where the grammar forbids them. It must not change the outcome. */
    readonly cutsDrafts: boolean;
  };
}

/** Forwards that verified drafts, over all paths of all enumerations. */
let verifyCount = 0;

async function distributionOf(given: Case): Promise<Map<string, number>> {
  let path: PathDraws | null = null;
  const choose = (distribution: Float64Array): TokenId =>
    required(path, 'a path is under way').categorical(distribution);
  const model = (salt: number): ScriptedModel =>
    new ScriptedModel({
      ...{ tokens: TOKENS, endOfGeneration: [END], next: script(salt), choose },
      contextLength: given.contextLength ?? 64,
    });
  const [small, large] = [model(1), model(2)];
  const models = new ModelSet({ small, large });
  const distribution = await enumerateDraws((draws) => {
    path = draws;
    return runOnce(given, models, draws);
  });
  expect(small.sequenceCount + large.sequenceCount).toBe(0);
  return distribution;
}

async function runOnce(given: Case, models: ModelSet, draws: PathDraws): Promise<string> {
  const abort = new AbortController();
  const emitted: number[] = [];
  let finish = '';
  try {
    for await (const event of runRequest(runOptions(given, models, draws, abort.signal))) {
      if (event.type === 'work' && event.purpose === 'verify') verifyCount += 1;
      if (event.type === 'summary') finish = `${event.finishReason} ${JSON.stringify(event.text)}`;
      if (event.type !== 'token') continue;
      emitted.push(event.tokenId);
      if (emitted.length === given.abortAfter) abort.abort();
    }
  } catch (error) {
    expect(error).toMatchObject({ code: 'aborted' });
  }
  if (given.abortAfter === undefined) return `${emitted.join(' ')} ${finish}`;
  // An abort may come in the middle of a round, so the emitted text is cut to the same length for all
  // strategies.
  return emitted.slice(0, given.abortAfter).join(' ');
}

function runOptions(
  given: Case,
  models: ModelSet,
  draws: PathDraws,
  signal: AbortSignal,
): RunOptions {
  return {
    request: {
      sampling: samplingParams({ temperature: 1, ...given.sampling }),
      maxTokens: given.maxTokens ?? 3,
      stop: given.stop ?? [],
      seed: 0,
      logprobs: false,
    },
    prompt: tokenIds(PROMPT),
    strategy: given.strategy(),
    models,
    lease: models.soleLease(),
    clock: { nowMs: () => 0 },
    signal,
    draws,
    grammar: given.grammar && grammarOf(given.grammar),
  };
}

function grammarOf({ table, cutsDrafts }: NonNullable<Case['grammar']>): AnswerGrammar {
  const tracker = new GrammarTracker(new ToyMatcher(table));
  const session = {
    masks: (answer: readonly TokenId[], from: number) => tracker.masks(answer, from),
    allowedLength: async (answer: readonly TokenId[]) =>
      cutsDrafts ? tracker.allowedLength(answer) : answer.length,
    unkept: [],
    violation: async () => null,
    [Symbol.dispose]: () => {},
  };
  return new AnswerGrammar(session, PROMPT.length);
}

/** No token twice in a row, and no end after an a. */
const NO_TWICE: ToyTable = {
  start: { 0: 'a', 1: 'b', 2: 'c' },
  a: { 1: 'b', 2: 'c' },
  b: { 0: 'a', 2: 'c', 3: TOY_END },
  c: { 0: 'a', 1: 'b', 3: TOY_END },
};

/** No b after an a, though the prompt is full of them. */
const NO_AB: ToyTable = {
  start: { 0: 'a', 2: 'a', 1: 'b' },
  a: { 0: 'a', 2: 'b', 3: TOY_END },
  b: { 1: 'b', 3: TOY_END },
};

const ENDINGS: Readonly<Record<string, Omit<Case, 'strategy'>>> = {
  'the token limit or an end-of-generation token': { maxTokens: 3 },
  'the context limit': { maxTokens: 9, contextLength: 7 },
  'a stop string inside a draft': { maxTokens: 3, stop: ['ca', 'bb'] },
  'an abort': { maxTokens: 3, abortAfter: 2 },
  'a limit of one token, which leaves no room for drafts': { maxTokens: 1 },
  'a temperature below one': { maxTokens: 2, sampling: { temperature: 0.5 } },
  'penalties that count the drafts before a draft': {
    maxTokens: 3,
    sampling: { repetitionPenalty: 1.5, frequencyPenalty: 0.7, penaltyWindow: 3 },
  },
  'a grammar': { maxTokens: RUNS_ARE_FULL ? 4 : 3, grammar: { table: NO_TWICE, cutsDrafts: true } },
  'a grammar that forbids drafts': { maxTokens: 3, grammar: { table: NO_AB, cutsDrafts: true } },
  'a grammar that forbids drafts, which are verified nevertheless': {
    maxTokens: 3,
    grammar: { table: NO_AB, cutsDrafts: false },
    sampling: { repetitionPenalty: 1.3, penaltyWindow: 4 },
  },
};

const VARIANTS: readonly SpeculativeOptions[] = [
  { proposer: 'small', verifier: 'coupling', draftLength: 2 },
  { proposer: 'small', verifier: 'rejection', draftLength: 2 },
  { proposer: 'prompt-lookup', verifier: 'rejection', draftLength: 2 },
];
/** With more paths than a quick run has time for, or much like the others. */
const MORE: readonly SpeculativeOptions[] = [
  { proposer: 'small', verifier: 'coupling', draftLength: 1 },
  { proposer: 'small', verifier: 'rejection', draftLength: 1 },
  { proposer: 'small', verifier: 'rejection', draftLength: 3 },
  { proposer: 'prompt-lookup', verifier: 'coupling', draftLength: 2 },
];

/** What a device sends. */
const SENDS = ['distribution', 'top', 'ids'] as const;

const FULL_SENDS = ['distribution', 'ids'] as const;
/** Small runs try some of them at some endings. */
const QUICK_SENDS: Readonly<Record<string, typeof SENDS | readonly ['distribution']>> = {
  'a limit of one token, which leaves no room for drafts': SENDS,
  'a temperature below one': ['distribution'],
  'an abort': ['distribution'],
};

describe('verified drafting is lossless', () => {
  for (const [at, [ending, limits]] of Object.entries(ENDINGS).entries()) {
    let known: Promise<Map<string, number>> | undefined;
    const distributionOfLarge = (): Promise<Map<string, number>> => {
      known ??= distributionOf({ ...limits, strategy: () => singleModel('large') });
      return known;
    };
    // Quick runs take the variants in turn.
    const quickVariants = at === 0 ? VARIANTS : VARIANTS.filter((_, which) => which === at % 3);
    for (const options of RUNS_ARE_FULL ? [...VARIANTS, ...MORE] : quickVariants) {
      it(`ends with ${ending}: ${Object.values(options).join(', ')}`, async () => {
        const target = await distributionOfLarge();
        verifyCount = 0;
        const ours = await distributionOf({ ...limits, strategy: () => speculative(options) });
        // Without drafts the comparison would prove nothing. A limit of one token leaves no room for
        // any.
        expect(verifyCount > 0).toBe(limits.maxTokens !== 1);
        expect(total(target)).toBeCloseTo(1, 12);
        expect(total(ours)).toBeCloseTo(1, 12);
        expect(target.size).toBeGreaterThanOrEqual(3);
        expect(largestDifference(ours, target)).toBeLessThan(1e-12);
      });
    }
    const quick = QUICK_SENDS[ending] ?? [];
    for (const sends of RUNS_ARE_FULL ? new Set([...FULL_SENDS, ...quick]) : quick) {
      it(`ends with ${ending}: hlm, ${sends}`, async () => {
        const strategy = () => hybrid('hlm', { gate: null, threshold: 0, uplink: { sends } });
        const ours = await distributionOf({ ...limits, strategy });
        expect(total(ours)).toBeCloseTo(1, 12);
        expect(largestDifference(ours, await distributionOfLarge())).toBeLessThan(1e-12);
      });
    }
  }

  it('can fail: the small model alone has another distribution', async () => {
    const target = await distributionOf({ strategy: () => singleModel('large') });
    const small = await distributionOf({ strategy: () => singleModel('small') });
    expect(largestDifference(small, target)).toBeGreaterThan(0.01);
  });
});

function total(distribution: ReadonlyMap<string, number>): number {
  return [...distribution.values()].reduce((sum, probability) => sum + probability, 0);
}
