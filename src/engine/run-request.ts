/**
 * The one generation loop: in every round a strategy proposes and judges, and the loop commits and
 * emits. Only here does a text grow and an answer end. The requests of an engine run through it,
 * and so do the rollouts of a training.
 */
import { RunCostFold } from '../accounting/run-cost.ts';
import type { ChatMessage } from '../core/chat-message.ts';
import type { Clock } from '../core/clock.ts';
import type { Draws } from '../core/draws.ts';
import { seededDraws } from '../core/draws.ts';
import { PilotfishError, throwIfAborted } from '../core/errors.ts';
import type { EngineEvent, StartEvent, SummaryEvent, TokenEvent } from '../core/events.ts';
import type { FinishReason } from '../core/finish-reason.ts';
import { invariant, required } from '../core/invariant.ts';
import type { ModelLabel } from '../core/model-id.ts';
import { seedOfDraw } from '../core/noise.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Unit } from '../core/unit.ts';
import type { AnswerGrammar } from '../grammar/answer-grammar.ts';
import type { Lease } from '../kv-cache/lease.ts';
import type { Session } from '../session/session.ts';
import { WorkRecorder } from '../session/work-recorder.ts';
import { lastNumberOrLine } from '../strategy/final-answer.ts';
import type { Decision, Decoder, Strategy, StrategyContext } from '../strategy/strategy.ts';
import type { CheckedRequest } from './checked-request.ts';
import { DraftFeed } from './draft-feed.ts';
import { Emitter } from './emitter.ts';
import { REDRAW_TEMPERATURE, SCHEMA_REDRAW_COUNT_MAX } from './limits.ts';
import { isWriter, type ModelSet } from './model-set.ts';
import { repetitionNotes } from './repetition-notes.ts';
import { schemaViolated } from './schema-violated.ts';
import { shareWarning } from './share-warning.ts';
import { isLargeAway, type LargeFailurePolicy, smallAlone } from './small-alone.ts';
import { promptText, startEvent } from './start-event.ts';

/** The part of a request that the loop needs. */
export type RunRequest = Pick<
  CheckedRequest,
  'sampling' | 'maxTokens' | 'stop' | 'seed' | 'logprobs' | 'grammar' | 'finalAnswer'
> &
  Partial<Pick<CheckedRequest, 'drafts'>>;

export interface RunOptions {
  readonly request: RunRequest;
  readonly prompt: readonly TokenId[];
  /** The conversation of the prompt; default: the text of the prompt as one message. */
  readonly messages?: readonly ChatMessage[] | undefined;
  readonly strategy: Strategy;
  /** The unit that the strategy decides about; default: none. */
  readonly unit?: Unit | null | undefined;
  readonly models: ModelSet;
  /** Holds the request's cells in the local models' caches. It ends with the run. */
  readonly lease: Lease;
  /** The grammar of the answer; absent: any text. */
  readonly grammar?:
    | Pick<AnswerGrammar, 'masks' | 'allowedDraft' | 'needsCheck' | 'violation'>
    | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The clock's time at which the request came in; default: now. */
  readonly acceptedMs?: number | undefined;
  /** The part of the time since then that it waited for room; default 0. */
  readonly queuedMs?: number | undefined;
  /** Default: the request fails. */
  readonly onLargeFailure?: LargeFailurePolicy | undefined;
  /** Further notes for its summary. */
  readonly notes?: readonly string[] | undefined;
  /** Default: seeded noise. Tests enumerate. */
  readonly draws?: Draws | undefined;
}

/** @throws PilotfishError; the events emitted until then stay valid */
export async function* runRequest(options: RunOptions): AsyncGenerator<EngineEvent, void> {
  try {
    const run = new Run(options);
    try {
      yield* run.events();
    } finally {
      await run.end();
    }
  } finally {
    await options.lease.release();
  }
}

/** The events to yield for a token that is final. */
type Release = (event: TokenEvent) => readonly TokenEvent[];

class Run {
  readonly #options: RunOptions;
  readonly #start: StartEvent;
  readonly #startedMs: number;
  readonly #recorder = new WorkRecorder();
  readonly #sessions = new Map<ModelLabel, Session>();
  /** The open sessions of models that run elsewhere, with their branches. */
  readonly #remote = new Set<AsyncDisposable>();
  readonly #fold: RunCostFold;
  readonly #drafts: DraftFeed;
  /** Fires when the request is aborted, or its reader has left. */
  readonly #signal: AbortSignal;
  readonly #left = new AbortController();
  /** The round in flight, while its drafts are shown: a reader may leave meanwhile. */
  #pending: Promise<unknown> | null = null;
  #emitter: Emitter;
  #decoder: Decoder;
  /** Prompt and committed tokens. */
  #text: TokenId[];
  #answer = '';
  /** The number of the draw: above 0, earlier answers violated their schema. */
  #draw = 0;
  #roundCount = 0;
  #firstTokenMs: number | null = null;
  #finish: FinishReason | null = null;
  /** Whether the large model does not answer any more. */
  #isAlone = false;

  constructor(options: RunOptions) {
    const { prompt, strategy, clock } = options;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#left.signal]);
    this.#drafts = new DraftFeed((id) => options.models.tokenBytes(id));
    this.#startedMs = options.acceptedMs ?? clock.nowMs();
    this.#text = [...prompt];
    this.#start = startEvent(options);
    this.#fold = new RunCostFold(this.#start);
    this.#emitter = this.#newEmitter();
    this.#decoder = strategy.begin(this.#context());
  }

  async *events(): AsyncGenerator<EngineEvent, void> {
    yield this.#start;
    if (this.#options.grammar?.needsCheck === true) yield* this.#checkedAnswer();
    else yield* this.#written((event) => [this.#emit(event)]);
    await this.end();
    yield* this.#work();
    yield this.#summary();
  }

  /**
   * Cancels the round and the calls to other machines that are in flight, so that nothing of the request
   * goes on after it and its work is metered in full. Local sessions end with the lease: the answer does
   * not wait for a batch that they may be in. A session that fails to close loses neither the answer nor
   * the request's own error.
   */
  async end(): Promise<void> {
    if (this.#pending !== null) {
      this.#left.abort(new PilotfishError('aborted', 'The reader has left.'));
      await this.#pending;
    }
    await Promise.allSettled([...this.#remote].map((session) => session[Symbol.asyncDispose]()));
  }

  /** One answer: rounds until it ends. @param release the events to yield for a committed token */
  async *#written(release: Release): AsyncGenerator<EngineEvent, void> {
    for (; this.#finish === null; this.#roundCount += 1) {
      const decisions = yield* this.#round(release);
      for (const event of this.#commit(decisions, this.#roundCount)) yield* release(event);
    }
  }

  /**
   * An answer whose grammar allows more than its schema. Its tokens are held back until it has ended and
   * is valid. An answer that is not valid is drawn again, from the beginning; the work of every draw is
   * emitted and counts. An answer that a limit or a stop string cuts is not checked.
   * @throws PilotfishError `schema-violated` after the last draw, whose tokens are emitted first
   */
  async *#checkedAnswer(): AsyncGenerator<EngineEvent, void> {
    for (let isChecked = false; !isChecked; ) {
      const held: TokenEvent[] = [];
      const hold: Release = (event) => {
        held.push(event);
        return [];
      };
      try {
        yield* this.#written(hold);
        const violation = await this.#violation(held);
        isChecked = violation === null;
        if (violation !== null && this.#draw >= SCHEMA_REDRAW_COUNT_MAX) {
          throw schemaViolated(violation, this.#draw + 1);
        }
      } catch (error) {
        for (const event of held) yield this.#emit(event);
        throw error;
      }
      if (!isChecked) await this.#beginAgain();
      else for (const event of held) yield this.#emit(event);
    }
  }

  /** In words; null for an answer that is valid, or cut. */
  async #violation(answer: readonly TokenEvent[]): Promise<string | null> {
    const { grammar, signal } = this.#options;
    if (this.#finish !== 'end-of-generation') return null;
    const text = answer.map((event) => event.text).join('');
    return (await grammar?.violation(text, signal)) ?? null;
  }

  /** Forgets the answer. Its noise is that of the next draw of the request's seed. */
  async #beginAgain(): Promise<void> {
    const { prompt, strategy } = this.#options;
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
    this.#draw += 1;
    this.#text = [...prompt];
    this.#finish = null;
    this.#emitter = this.#newEmitter();
    this.#decoder = strategy.begin(this.#context());
  }

  #newEmitter(): Emitter {
    const { request, models } = this.#options;
    return new Emitter({
      stops: request.stop,
      tokenBytes: (id) => models.tokenBytes(id),
      isEndOfGeneration: (id) => models.isEndOfGeneration(id),
    });
  }

  /** Proposes and judges. On failure, the finished work and the text held back are released first. */
  async *#round(release: Release): AsyncGenerator<EngineEvent, readonly Decision[]> {
    try {
      throwIfAborted(this.#options.signal);
      const round = { text: this.#text, tokenCountMax: this.#roomLeft() };
      const decided = this.#decoder.round(round);
      if (this.#wantsDrafts()) {
        this.#pending = decided.catch(() => undefined);
        for await (const text of this.#drafts.until(decided)) {
          yield { type: 'draft', text, round: this.#roundCount, elapsedMs: this.#elapsedMs() };
        }
        this.#pending = null;
      }
      const decisions = await decided;
      invariant(decisions.length > 0, 'a round decides at least one token');
      yield* this.#work();
      return decisions;
    } catch (error) {
      if (isLargeAway(error) && this.#goesOnAlone(error)) {
        yield* this.#work();
        return yield* this.#round(release);
      }
      await this.end();
      yield* this.#work();
      for (const event of this.#emitter.flush()) yield* release(event);
      throw error;
    }
  }

  /** Whether the small model writes the rest. Nothing of the round was committed. */
  #goesOnAlone(error: PilotfishError): boolean {
    if (this.#isAlone || this.#options.onLargeFailure !== 'small') return false;
    this.#isAlone = true;
    this.#decoder = smallAlone(this.#context(), error);
    return true;
  }

  #wantsDrafts(): boolean {
    const { request, grammar } = this.#options;
    return request.drafts === true && grammar?.needsCheck !== true;
  }

  *#work(): Generator<EngineEvent> {
    for (const event of this.#recorder.drain()) yield this.#emit(event);
  }

  /** Appends the decided tokens until a token ends the answer. The rest of the round is dropped. */
  *#commit(decisions: readonly Decision[], round: number): Generator<TokenEvent> {
    for (const { isCut, ...decision } of decisions) {
      const index = this.#tokenCount();
      this.#text.push(decision.tokenId);
      const elapsedMs = this.#elapsedMs();
      const emission = this.#emitter.push({ type: 'token', index, ...decision, round, elapsedMs });
      yield* emission.events;
      const limit = isCut === true ? 'token-limit' : null;
      this.#finish = limit ?? emission.finish ?? this.#limitReached();
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
    const cost = this.#fold.cost();
    const { askedShare } = this.#options.strategy;
    return {
      type: 'summary',
      ...(askedShare === undefined ? {} : { askedShare: askedShare.share }),
      text: this.#answer,
      ...cost,
      finishReason: required(this.#finish, 'the request has ended'),
      elapsedMs: this.#elapsedMs(),
      firstTokenMs: this.#firstTokenMs,
      queuedMs: this.#options.queuedMs ?? 0,
      notes: [
        ...(this.#options.notes ?? []),
        ...(this.#decoder.notes?.() ?? []),
        ...repetitionNotes(this.#options.lease.preemptionCount, this.#draw),
        ...[askedShare && shareWarning(askedShare, cost)].flatMap((warning) => warning ?? []),
      ],
    };
  }

  #tokenCount(): number {
    return this.#text.length - this.#options.prompt.length;
  }

  /** The number of tokens that may still be committed. */
  #roomLeft(): number {
    const {
      request,
      models: { contextLength },
    } = this.#options;
    return Math.min(request.maxTokens - this.#tokenCount(), contextLength - this.#text.length);
  }

  #limitReached(): FinishReason | null {
    const {
      request,
      models: { contextLength },
    } = this.#options;
    if (this.#tokenCount() >= request.maxTokens) return 'token-limit';
    return this.#text.length >= contextLength ? 'context-limit' : null;
  }

  #elapsedMs(): number {
    return this.#options.clock.nowMs() - this.#startedMs;
  }

  #context(): StrategyContext {
    const { request, prompt, grammar, draws, models } = this.#options;
    return {
      session: (label) => this.#session(label),
      tokenizer: (label) => models.tokenizerOf(label),
      messages: this.#messages(),
      promptLength: prompt.length,
      draws: draws ?? seededDraws(seedOfDraw(request.seed, this.#draw)),
      tokenBytes: (id) => models.tokenBytes(id),
      isEndOfGeneration: (id) => models.isEndOfGeneration(id),
      tokenReads: { logprob: request.logprobs },
      temperature: this.#sampling().temperature,
      finalAnswer: request.finalAnswer ?? lastNumberOrLine,
      stops: request.stop,
      showDraft: this.#wantsDrafts() ? (tokens) => this.#drafts.show(tokens) : undefined,
      allowedDraft: grammar && ((text, draft) => grammar.allowedDraft(text, draft, this.#signal)),
    };
  }

  #messages(): readonly ChatMessage[] {
    const { messages } = this.#options;
    return messages ?? [{ role: 'user', content: promptText(this.#options) }];
  }

  /** A greedy answer would repeat itself, so it is drawn again at a temperature. */
  #sampling(): SamplingParams {
    const { sampling } = this.#options.request;
    const isGreedy = sampling.temperature === 0;
    return this.#draw > 0 && isGreedy ? { ...sampling, temperature: REDRAW_TEMPERATURE } : sampling;
  }

  #session(label: ModelLabel): Session {
    const known = this.#sessions.get(label);
    if (known !== undefined) return known;
    const { request, prompt, models, lease, grammar } = this.#options;
    const { vocabularySize, ...meaning } = models.tokensOf(label);
    const session = models.openSession(label, lease, {
      promptLength: prompt.length,
      sampling: {
        vocabularySize,
        sampling: this.#sampling(),
        seed: seedOfDraw(request.seed, this.#draw),
      },
      grammar: isWriter(label) ? grammar : undefined,
      ...meaning,
      conversation: {
        messages: this.#messages(),
        tokensOf: (text) => models.tokenizerOf(label).continued(text),
      },
      recorder: this.#recorder,
      remoteSessions: this.#remote,
      signal: this.#signal,
    });
    this.#sessions.set(label, session);
    return session;
  }
}
