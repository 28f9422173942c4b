/** A pair of scripted models with a memory, open for an evaluation, and the requests to it. */
import { type ModelRole, modelsById } from '../../src/core/model-id.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { sharedPrefix } from '../../src/evaluation/prompts/shared-prefix.ts';
import type { Question } from '../../src/evaluation/question.ts';
import type { EvaluatedModel, EvaluationPair } from '../../src/evaluation/run/evaluation-pair.ts';
import type { EvaluationPlan } from '../../src/evaluation/run/evaluation-plan.ts';
import type { EvaluationPoint } from '../../src/evaluation/run/evaluation-point.ts';
import { ModelCodes } from '../../src/evaluation/run/manifest.ts';
import type { RewardHead } from '../../src/judging/reward-head.ts';
import type { Router } from '../../src/judging/router.ts';
import { PrefixCache } from '../../src/kv-cache/prefix-cache.ts';
import { CachedModel } from '../../src/model/remembered/cached-model.ts';
import { TrieStore } from '../../src/model/remembered/trie-store.ts';
import type {
  ScriptedModel,
  ScriptedModelOptions,
} from '../../src/model/scripted/scripted-model.ts';
import { cascadeMethod } from '../../src/strategy/cascade.ts';
import { entropyMethod } from '../../src/strategy/entropy.ts';
import { randomMethod } from '../../src/strategy/random.ts';
import type { RsdOptions } from '../../src/strategy/rsd-options.ts';
import { asStrategy, parseStrategy, STRATEGY_DEFAULT } from '../../src/strategy/strategy-value.ts';
import { scriptedModel } from '../simulation/scripted-pair.ts';

export interface ScriptedEvaluation {
  readonly pair: EvaluationPair;
  readonly engine: Engine;
  readonly models: { readonly small: ScriptedModel; readonly large: ScriptedModel };
  /** The requests so far, in order, with the text of each one's strategy. */
  readonly requests: readonly (GenerateRequest & { readonly strategy: string })[];
  /** Open sequences of both models that are not kept for later texts. */
  openCount(): number;
}

export interface ScriptedEvaluationOptions {
  readonly small?: Partial<ScriptedModelOptions>;
  readonly large?: Partial<ScriptedModelOptions>;
  /** Called before every request. */
  readonly onRequest?: (request: GenerateRequest, index: number) => void;
  /** The folder of remembered rows; default: in memory. */
  readonly folder?: string;
  /** Tokens that the small model drafts; default: the engine's own choice. */
  readonly draftLength?: number;
  /** Where steps end; default: nowhere, as no token of the models is a blank line. */
  readonly steps?: RsdOptions;
  /** Routers by their strategy. */
  readonly routers?: ReadonlyMap<string, Router>;
  readonly rewards?: ReadonlyMap<string, RewardHead>;
}

/** The codes of its models in a folder. */
export const CODES: ModelCodes = new ModelCodes(
  new Map([
    ['s', 'small'],
    ['l', 'large'],
  ]),
);
export const WAVE_SIZE = 4;
export const MAX_TOKENS = 12;
const ROOM = { contextLength: 64, cellCount: 2000, sequenceCountMax: 24, rowCountMax: 16 };

export function scriptedEvaluation(options: ScriptedEvaluationOptions = {}): ScriptedEvaluation {
  const models = {
    small: scriptedModel('small', { ...ROOM, ...options.small }),
    large: scriptedModel('large', { ...ROOM, ...options.large }),
  };
  const stores = {
    small: new TrieStore(options.folder ?? null, { modelDigest: 'small', engine: 'scripted' }),
    large: new TrieStore(options.folder ?? null, { modelDigest: 'large', engine: 'scripted' }),
  };
  const pools = {
    small: new PrefixCache({ model: models.small }),
    large: new PrefixCache({ model: models.large }),
  };
  const cached = {
    small: new CachedModel(models.small, stores.small, { pool: pools.small }),
    large: new CachedModel(models.large, stores.large, { pool: pools.large }),
  };
  const { draftLength, steps, routers = new Map(), rewards = new Map() } = options;
  const engine = new Engine({
    models: cached,
    routers,
    rewards,
    steps,
    ...(draftLength === undefined ? {} : { speculative: { draftLength } }),
  });
  const requests: (GenerateRequest & { readonly strategy: string })[] = [];
  const both = [cached.small, cached.large];
  const pair: EvaluationPair = {
    engine: {
      promptTokens: (request) => engine.promptTokens(request),
      generate: (request) => {
        options.onRequest?.(request, requests.length);
        const { text } = asStrategy(request.strategy ?? STRATEGY_DEFAULT);
        requests.push({ ...request, strategy: text });
        return engine.generate(request);
      },
    },
    ...modelsById({ small: factsOf(models.small), large: factsOf(models.large) }),
    small: models.small,
    large: models.large,
    pools,
    routers,
    rewards,
    strategyOptions: { steps },
    vocabularySize: models.small.vocabulary.size,
    contextLength: models.small.facts.contextLength,
    template: 'own',
    library: 'scripted',
    rowCounts: () => ({
      known: cached.small.rowCounts.known + cached.large.rowCounts.known,
      computed: cached.small.rowCounts.computed + cached.large.rowCounts.computed,
    }),
    share: async (prompts) => {
      for (const pool of Object.values(pools)) await pool.pin(sharedPrefix(prompts));
    },
    remember: async (isOn) => {
      for (const model of both) model.remembers = isOn;
      for (const pool of Object.values(pools)) await pool.clear();
    },
    begin: () => undefined,
    flush: async () => {
      for (const store of Object.values(stores)) await store.flush();
    },
    release: async () => {
      for (const pool of Object.values(pools)) await pool.clear();
      for (const store of Object.values(stores)) await store.release();
    },
    drop: () => {
      for (const store of Object.values(stores)) store.drop();
    },
    [Symbol.asyncDispose]: () => engine.close(),
  };
  const held = (role: ModelRole): number =>
    models[role].sequenceCount - pools[role].used.sequenceCount;
  const openCount = () => held('small') + held('large');
  return { pair, engine, models, requests, openCount };
}

function factsOf({ facts }: ScriptedModel): EvaluatedModel {
  const { name, parameterCounts, weightBytes, kvBytesPerToken, rowCountMax } = facts;
  const digest = `digest of ${name}`;
  return { name, digest, parameterCounts, weightBytes, kvBytesPerToken, rowCountMax };
}

/** A question of letters that the models know; each index gives a different one. */
export function questionOf(index: number, answer: string = 'a'): Question {
  const letters = [...index.toString(10).padStart(4, '0')].map(
    (digit) => 'abcdefghij'[Number(digit)],
  );
  const content = letters.join('');
  return {
    id: `letters/${index}`,
    text: `What comes after ${content}?`,
    messages: [{ role: 'user', content }],
    answer,
    kind: 'text',
  };
}

/**
 * Questions of which the large model knows most and the small one some: each right answer is that
 * of one model, or of neither.
 */
export async function scriptedQuestions(
  count: number,
  maxTokens: number = MAX_TOKENS,
): Promise<readonly Question[]> {
  const { engine } = scriptedEvaluation();
  const questions: Question[] = [];
  for (let index = 0; index < count; index += 1) {
    const bare = questionOf(index);
    const strategy = index % 4 === 3 ? 'small' : 'large';
    let answer = '';
    for await (const event of engine.generate({ messages: bare.messages, strategy, maxTokens })) {
      if (event.type === 'summary') answer = event.text;
    }
    questions.push(questionOf(index, index % 5 > 2 || answer === '' ? 'x' : answer));
  }
  await engine.close();
  return questions;
}

/** `NAME@THRESHOLD` as a point. */
export function pointOf(strategy: string, seed: number = 0): EvaluationPoint {
  const { method, threshold } = parseStrategy(strategy);
  return { method, threshold, seed };
}

export function planOf(plan: Partial<EvaluationPlan> = {}): EvaluationPlan {
  return {
    strategies: [entropyMethod, randomMethod, cascadeMethod].map((method) => {
      return { method, thresholds: [] };
    }),
    interval: { low: 0.2, high: 0.5 },
    shares: [0.2, 0.5],
    pointCount: 3,
    seeds: [1, 2],
    screening: null,
    maxTokens: MAX_TOKENS,
    waveSize: WAVE_SIZE,
    ...plan,
  };
}
