/**
 * The loop: round after round, a strategy proposes and judges, and this commits and emits. It is the
 * only place where a request's text grows and the only one that ends a request.
 */

import { RunCostFold } from '../accounting/run-cost.ts';
import type { Clock } from '../core/clock.ts';
import type { Draws } from '../core/draws.ts';
import { seededDraws } from '../core/draws.ts';
import { throwIfAborted } from '../core/errors.ts';
import {
  type ByRole,
  type EngineEvent,
  LOG_VERSION,
  type ModelCostFacts,
  type ModelRole,
  type StartEvent,
  type SummaryEvent,
  type TokenEvent,
  type TokenPrices,
} from '../core/events.ts';
import type { FinishReason } from '../core/finish-reason.ts';
import { invariant, required } from '../core/invariant.ts';
import { modelsById } from '../core/model-id.ts';
import type { TokenId } from '../core/token-id.ts';
import { untilAborted } from '../core/until-aborted.ts';
import type { AnswerGrammar } from '../grammar/answer-grammar.ts';
import { fullRole } from '../kv-cache/full-cache.ts';
import type { Lease } from '../kv-cache/lease.ts';
import type { LanguageModel, ModelFacts } from '../model/roles.ts';
import { LocalSession } from '../session/local-session.ts';
import { WorkRecorder } from '../session/work-recorder.ts';
import type { Decision, Decoder, Round, Strategy, StrategyContext } from '../strategy/strategy.ts';
import type { CheckedRequest } from './checked-request.ts';
import { Emitter } from './emitter.ts';
import { KV_FULL_ATTEMPTS_MAX } from './limits.ts';

export interface RunOptions {
  readonly request: CheckedRequest;
  readonly prompt: readonly TokenId[];
  readonly strategy: Strategy;
  readonly models: ByRole<LanguageModel>;
  /** Its lease of cells in the models' caches; it ends with the run. */
  readonly lease: Lease;
  /** Of the loaded models, and of one that is only compared with. */
  readonly facts: ByRole<CostFacts>;
  readonly prices: ByRole<TokenPrices>;
  /** Ids from here on are padding of one of the models. */
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** What the answer keeps to; absent: any text. */
  readonly grammar?: Pick<AnswerGrammar, 'masks' | 'allowedDraft'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** When the request came in, by the clock; default: now. */
  readonly acceptedMs?: number;
  /** How long of that it waited for room; default 0. */
  readonly queuedMs?: number;
  /** What else its summary should say. */
  readonly notes?: readonly string[];
  /** Default: seeded noise. Tests enumerate. */
  readonly draws?: Draws;
}

/** What accounting needs of a model. */
export type CostFacts = Pick<
  ModelFacts,
  'name' | 'parameterCounts' | 'weightBytes' | 'kvBytesPerToken'
>;

/** @throws PilotfishError; what was emitted before stays valid */
export async function* runRequest(options: RunOptions): AsyncGenerator<EngineEvent, void> {
  try {
    yield* new Run(options).events();
  } finally {
    await options.lease.release();
  }
}

class Run {
  readonly #options: RunOptions;
  readonly #start: StartEvent;
  readonly #startedMs: number;
  readonly #recorder = new WorkRecorder();
  readonly #sequences = new Map<ModelRole, LocalSession>();
  readonly #fold: RunCostFold;
  readonly #emitter: Emitter;
  readonly #decoder: Decoder;
  /** Prompt and committed tokens. */
  readonly #text: TokenId[];
  #answer = '';
  #firstTokenMs: number | null = null;
  #finish: FinishReason | null = null;

  constructor(options: RunOptions) {
    const { request, prompt, strategy, clock } = options;
    this.#options = options;
    this.#startedMs = options.acceptedMs ?? clock.nowMs();
    this.#text = [...prompt];
    this.#start = startEvent(options);
    this.#fold = new RunCostFold(this.#start);
    this.#emitter = new Emitter({
      stops: request.stop,
      tokenBytes: (id) => this.#anyModel().vocabulary.tokenBytes(id),
      isEndOfGeneration: (id) => this.#isEndOfGeneration(id),
    });
    this.#decoder = strategy.begin({
      sequence: (role) => this.#sequence(role),
      draws: options.draws ?? seededDraws(request.seed),
      program: {
        vocabularySize: options.vocabularySize,
        sampling: request.sampling,
        seed: request.seed,
        purpose: 'sample',
        logprob: request.logprobs,
      },
      ...allowedDraft(options.grammar),
      isEndOfGeneration: (id) => this.#isEndOfGeneration(id),
    });
  }

  async *events(): AsyncGenerator<EngineEvent, void> {
    yield this.#start;
    for (let round = 0; this.#finish === null; round += 1) {
      const decisions = yield* this.#round();
      for (const event of this.#commit(decisions, round)) yield this.#emit(event);
    }
    yield this.#summary();
  }

  /** Proposes and judges. On failure, the work that was done and the text held back come first. */
  async *#round(): AsyncGenerator<EngineEvent, readonly Decision[]> {
    const { signal } = this.#options;
    try {
      throwIfAborted(signal);
      const tokenCountMax = this.#roomLeft();
      const decisions = await this.#decide({ text: this.#text, tokenCountMax }, signal);
      invariant(decisions.length > 0, 'a round decides at least one token');
      for (const event of this.#recorder.drain()) yield this.#emit(event);
      return decisions;
    } catch (error) {
      for (const event of this.#recorder.drain()) yield this.#emit(event);
      for (const event of this.#emitter.flush()) yield this.#emit(event);
      throw error;
    }
  }

  /** Asks the strategy; where a cache is full, again after somebody gave way. */
  async #decide(round: Round, signal: AbortSignal): Promise<readonly Decision[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#decoder.round(round, signal);
      } catch (error) {
        const role = fullRole(error);
        if (role === null || attempt >= KV_FULL_ATTEMPTS_MAX) throw error;
        if (!(await untilAborted(this.#options.lease.reclaim(role), signal))) throw error;
      }
    }
  }

  /** Appends decided tokens until one ends the answer; the rest of the round is dropped. */
  *#commit(decisions: readonly Decision[], round: number): Generator<TokenEvent> {
    for (const decision of decisions) {
      const index = this.#tokenCount();
      this.#text.push(decision.tokenId);
      const elapsedMs = this.#elapsedMs();
      const emission = this.#emitter.push({ type: 'token', index, ...decision, round, elapsedMs });
      yield* emission.events;
      this.#finish = emission.finish ?? this.#limitReached();
      if (this.#finish === null) continue;
      if (emission.finish === null) yield* this.#emitter.flush();
      return;
    }
  }

  #emit<E extends EngineEvent>(event: E): E {
    this.#fold.add(event);
    if (event.type === 'token') {
      this.#firstTokenMs ??= this.#elapsedMs();
      this.#answer += event.text;
    }
    return event;
  }

  #summary(): SummaryEvent {
    return {
      type: 'summary',
      text: this.#answer,
      ...this.#fold.cost(),
      finishReason: required(this.#finish, 'the request has ended'),
      elapsedMs: this.#elapsedMs(),
      firstTokenMs: this.#firstTokenMs,
      queuedMs: this.#options.queuedMs ?? 0,
      notes: [
        ...(this.#options.notes ?? []),
        ...(this.#decoder.notes?.() ?? []),
        ...this.#preemptionNote(),
      ],
    };
  }

  #preemptionNote(): readonly string[] {
    const { preemptionCount } = this.#options.lease;
    return preemptionCount === 0 ? [] : [`gave way to other requests ${preemptionCount} times`];
  }

  #tokenCount(): number {
    return this.#text.length - this.#options.prompt.length;
  }

  /** Tokens that may still be committed. */
  #roomLeft(): number {
    const { request, contextLength } = this.#options;
    return Math.min(request.maxTokens - this.#tokenCount(), contextLength - this.#text.length);
  }

  #limitReached(): FinishReason | null {
    const { request, contextLength } = this.#options;
    if (this.#tokenCount() >= request.maxTokens) return 'token-limit';
    return this.#text.length >= contextLength ? 'context-limit' : null;
  }

  #elapsedMs(): number {
    return this.#options.clock.nowMs() - this.#startedMs;
  }

  #anyModel(): LanguageModel {
    const { small, large } = this.#options.models;
    return required(large ?? small, 'an engine has a model');
  }

  /** The union over both models, so that no strategy runs past an end that the other one knows. */
  #isEndOfGeneration(id: TokenId): boolean {
    const { small, large } = this.#options.models;
    const endsIn = (model: LanguageModel | null): boolean =>
      model?.vocabulary.endOfGenerationIds().has(id) ?? false;
    return endsIn(small) || endsIn(large);
  }

  #sequence(role: ModelRole): LocalSession {
    const known = this.#sequences.get(role);
    if (known !== undefined) return known;
    const model = required(this.#options.models[role], `the ${role} model is loaded`);
    const sequence = new LocalSession({
      role,
      modelId: required(this.#start.labels[role], `the ${role} model has an id`),
      source: this.#options.lease.source(role),
      promptLength: this.#options.prompt.length,
      rowCountMax: model.facts.rowCountMax,
      recorder: this.#recorder,
      ...(this.#options.grammar === undefined ? {} : { grammar: this.#options.grammar }),
    });
    this.#sequences.set(role, sequence);
    this.#options.lease.add(sequence);
    return sequence;
  }
}

function allowedDraft(grammar: RunOptions['grammar']): Pick<StrategyContext, 'allowedDraft'> {
  if (grammar === undefined) return {};
  return { allowedDraft: (text, draft, signal) => grammar.allowedDraft(text, draft, signal) };
}

function startEvent(options: RunOptions): StartEvent {
  const { request, strategy, models, facts, prices } = options;
  const chunks = [models.large, models.small].map((model) => model?.facts.rowCountMax);
  // A model that is only compared with would read the prompt in chunks like the loaded one.
  const chunk = required(chunks[0] ?? chunks[1], 'an engine has a model');
  const costFacts = (role: ModelRole): ModelCostFacts | null => {
    const known = facts[role];
    if (known === null) return null;
    const { name, parameterCounts, weightBytes, kvBytesPerToken } = known;
    const prefillChunkRowCount = models[role]?.facts.rowCountMax ?? chunk;
    const sizes = { parameterCounts, weightBytes, kvBytesPerToken, prefillChunkRowCount };
    return { name, ...sizes, prices: prices[role] };
  };
  return {
    type: 'start',
    version: LOG_VERSION,
    ...modelsById({ small: costFacts('small'), large: costFacts('large') }),
    strategy: strategy.name,
    thresholds: strategy.thresholds,
    sampling: request.sampling,
    seed: request.seed,
    ...(request.grammar === undefined ? {} : { grammar: request.grammar.kind }),
    promptTokenCount: options.prompt.length,
    maxTokens: request.maxTokens,
    contextLength: options.contextLength,
  };
}
