/**
 * The models of a pair, and others beside them, behind one method: `generate`. Requests run side by
 * side as far as the KV caches allow, their forwards batched by the models' executors; a bounded number
 * waits, in order.
 */
import { type Clock, systemClock } from '../core/clock.ts';
import { abortError, PilotfishError } from '../core/errors.ts';
import type { EngineEvent, TokenPrices } from '../core/events.ts';
import type { ByRole, ModelLabel, ModelRole } from '../core/model-id.ts';
import { joinReads } from '../core/row-reads.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import { AnswerGrammar } from '../grammar/answer-grammar.ts';
import { GrammarService } from '../grammar/grammar-service.ts';
import { packVocabulary } from '../grammar/pack-vocabulary.ts';
import { addAmounts, type KvAmounts } from '../kv-cache/admission.ts';
import { KvScheduler } from '../kv-cache/kv-scheduler.ts';
import type { Lease } from '../kv-cache/lease.ts';
import { missingCapability, type SessionNeeds } from '../session/capabilities.ts';
import type { StrategyValue } from '../strategy/method.ts';
import type { Strategy } from '../strategy/strategy.ts';
import type { StrategyOptions } from '../strategy/strategy-options.ts';
import { type CheckedRequest, checkRequest } from './checked-request.ts';
import { judgedLength, RUNNING_REQUEST_COUNT_MAX, WAITING_REQUEST_COUNT_MAX } from './limits.ts';
import { type CostFacts, isWriter, type LabelledModels, ModelSet } from './model-set.ts';
import { promptTokens } from './prompt.ts';
import type { GenerateRequest } from './request.ts';
import { runRequest } from './run-request.ts';
import { type LargeFailurePolicy, withSmallAlone } from './small-alone.ts';
import { TextTokens } from './text-tokens.ts';

/** The sampling of strategies is that of each request. */
export interface EngineOptions extends Omit<StrategyOptions, 'sampling'> {
  /** At least a small or a large model. The engine owns the models: it disposes of them. */
  readonly models: LabelledModels;
  /** Facts of a model that is not loaded, so that costs can still be compared with it. */
  readonly absentFacts?: Partial<ByRole<CostFacts>> | undefined;
  /** Prices of the models' tokens. Without them a summary has no price. */
  readonly prices?: Partial<ByRole<TokenPrices>> | undefined;
  /** The scope of models that can do only one thing. The summaries of other requests then say so. */
  readonly scope?: ModelScope | undefined;
  /** The model whose chat template holds where the two differ. Default: such a pair is refused. */
  readonly template?: ModelRole | undefined;
  /**
   * The number of requests that use a model at once if its cache has room; default
   * `RUNNING_REQUEST_COUNT_MAX`.
   */
  readonly requestCountMax?: number | undefined;
  /**
   * Reserve room for only 1/n of the tokens that a request may write, because few requests write their
   * maximum. If a cache does fill up, the youngest request is preempted and starts over. Default 1:
   * never.
   */
  readonly overcommit?: number | undefined;
  /** What happens when a large model elsewhere does not answer any more. Default: `stop`. */
  readonly onLargeFailure?: LargeFailurePolicy | undefined;
  readonly clock?: Clock | undefined;
}

export interface ModelScope {
  /** @param text the last message of a chat, or the prompt */
  covers(text: string): boolean;
  /** A note in the summary of requests that it does not cover. */
  readonly note: string;
}

/** The number of strategies that are kept between requests, with the statistics that they learned. */
const STRATEGY_COUNT_MAX = 64;

interface BuiltStrategy extends Pick<StrategyValue, 'method'> {
  readonly strategy: Strategy;
}

export class Engine implements AsyncDisposable {
  readonly #options: EngineOptions;
  readonly #models: ModelSet;
  /** By the texts of their values. */
  readonly #strategies = new Map<string, BuiltStrategy>();
  readonly #scheduler: KvScheduler;
  readonly #overcommit: number;
  readonly #grammars: GrammarService;
  #texts: TextTokens | null = null;
  /** One controller for every request that waits or runs. */
  readonly #running = new Set<AbortController>();
  #closed = false;
  #closing: Promise<void> | null = null;

  /** @throws PilotfishError `vocabulary-mismatch`, `option-invalid` */
  constructor(options: EngineOptions) {
    this.#options = options;
    this.#models = new ModelSet(options.models, options);
    this.#grammars = new GrammarService({ vocabulary: () => this.#packedVocabulary() });
    this.#overcommit = checkedOvercommit(options.overcommit ?? 1);
    const requestCountMax = options.requestCountMax ?? RUNNING_REQUEST_COUNT_MAX;
    checkRequestCountMax(requestCountMax);
    this.#scheduler = new KvScheduler({
      models: this.#models.local(),
      labelCounts: this.#models.labelCounts(),
      requestCountMax,
      waitingCountMax: WAITING_REQUEST_COUNT_MAX,
    });
  }

  /** The numbers of running requests and of requests that wait for room. */
  get load(): { readonly runningCount: number; readonly waitingCount: number } {
    return this.#scheduler.load;
  }

  /**
   * Checks that nothing was lost: when no request runs, the caches hold only the prefixes kept for later
   * requests. @throws InvariantError
   */
  checkIdle(): Promise<void> {
    return this.#scheduler.checkIdle();
  }

  /** Forgets the prefixes that earlier requests left in the caches. */
  async forget(): Promise<void> {
    await this.#scheduler.forget();
  }

  /**
   * The tokens of a request's prompt, as the models read them.
   * @throws PilotfishError as `generate` does for a prompt
   */
  promptTokens(request: GenerateRequest): readonly TokenId[] {
    return this.#promptTokens(checkRequest(request));
  }

  /**
   * Runs a request as its events are read: `start`, then tokens and work, then `summary`. Leaving the
   * loop early stops the work and frees the KV memory. From `start` on the request holds its share of
   * the caches until the loop ends: a caller that neither reads on nor leaves keeps other requests
   * waiting.
   * @throws PilotfishError `aborted`, `engine-busy`, `disposed`, and the errors of the request's values
   *   and of the models
   */
  async *generate(request: GenerateRequest): AsyncGenerator<EngineEvent, void> {
    const { checked, strategy } = this.#checked(request);
    const abort = new AbortController();
    const forward = (): void => abort.abort(request.signal?.reason);
    if (request.signal?.aborted === true) throw abortError(request.signal);
    request.signal?.addEventListener('abort', forward, { once: true });
    this.#running.add(abort);
    try {
      yield* this.#run(checked, strategy, abort.signal);
    } finally {
      request.signal?.removeEventListener('abort', forward);
      this.#running.delete(abort);
    }
  }

  /**
   * The text of tokens; bytes that are no whole character are U+FFFD.
   * @throws PilotfishError `option-invalid` for an id that the vocabulary does not have
   */
  textOf(tokenIds: readonly number[]): string {
    const unknown = tokenIds.find((id) => !(id >= 0 && id < this.#models.vocabularySize));
    if (unknown !== undefined) throw unknownToken(unknown, this.#models.vocabularySize);
    const bytes = tokenIds.map((id) => this.#models.tokenBytes(tokenId(id)));
    return Buffer.concat(bytes).toString('utf8');
  }

  /**
   * Refuses what `generate` would refuse before it reads the prompt: wrong values, a strategy whose head
   * or model is missing.
   * @throws as `generate`
   */
  check(request: GenerateRequest): void {
    this.#checked(request);
  }

  #checked(request: GenerateRequest): {
    readonly checked: CheckedRequest;
    readonly strategy: Strategy;
  } {
    const checked = checkRequest(request);
    const strategy = this.#withFallback(this.#strategy(checked.strategy, checked.sampling));
    this.#checkModels(strategy, checked);
    return { checked, strategy };
  }

  /** The same as `await using`, for code that cannot use it. */
  close(): Promise<void> {
    return this[Symbol.asyncDispose]();
  }

  /** Cancels every request, then frees the models. Every call waits for the same closing. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    const reason = closedError();
    for (const abort of this.#running) abort.abort(reason);
    await this.#grammars[Symbol.asyncDispose]();
    await this.#models[Symbol.asyncDispose]();
  }

  async *#run(
    request: CheckedRequest,
    strategy: Strategy,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void> {
    const { clock = systemClock } = this.#options;
    const acceptedMs = clock.nowMs();
    const prompt = this.#promptTokens(request);
    const notes = this.#scopeNotes(request.input);
    const likely = Math.ceil(request.maxTokens / this.#overcommit);
    const leaseRequest = {
      need: this.#need(strategy, prompt.length + likely),
      needMax: this.#need(strategy, prompt.length + request.maxTokens),
      reuses: request.reusePrefix,
    };
    const queuedFromMs = clock.nowMs();
    const lease = await this.#scheduler.acquire(leaseRequest, signal);
    const queuedMs = clock.nowMs() - queuedFromMs;
    using grammar = await this.#openGrammar(request, prompt.length, { lease, signal });
    yield* runRequest({
      request,
      prompt,
      messages: 'messages' in request.input ? request.input.messages : undefined,
      strategy,
      unit: request.strategy.method.unit,
      onLargeFailure: this.#options.onLargeFailure,
      models: this.#models,
      lease,
      grammar: grammar ?? undefined,
      clock,
      acceptedMs,
      queuedMs,
      notes,
      signal,
    });
  }

  #promptTokens({ input }: CheckedRequest): TokenId[] {
    const { template = null } = this.#options;
    const [small, large] = [this.#models.get('small'), this.#models.get('large')];
    this.#texts ??= new TextTokens(this.#models.vocabularies);
    const models = { small, large, template, texts: this.#texts };
    return promptTokens(input, models, this.#models.contextLength);
  }

  #scopeNotes(input: CheckedRequest['input']): readonly string[] {
    const { scope } = this.#options;
    if (scope === undefined || 'tokenIds' in input) return [];
    const text = 'prompt' in input ? input.prompt : (input.messages.at(-1)?.content ?? '');
    return scope.covers(text) ? [] : [scope.note];
  }

  /**
   * Compiles a request's grammar once the request is admitted. One thread compiles and follows all
   * grammars, so those of a long queue would delay the running requests. A request whose grammar fails
   * ends.
   */
  async #openGrammar(
    { grammar }: CheckedRequest,
    promptLength: number,
    { lease, signal }: { readonly lease: Lease; readonly signal: AbortSignal },
  ): Promise<AnswerGrammar | null> {
    if (grammar === undefined) return null;
    try {
      return new AnswerGrammar(await this.#grammars.open(grammar, signal), promptLength);
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /** Tokens by their bytes, which mean the same in every kind of vocabulary. */
  #packedVocabulary(): ReturnType<typeof packVocabulary> {
    return packVocabulary({
      size: this.#models.vocabularySize,
      tokenBytes: (id) => this.#models.tokenBytes(id),
      endIds: [...this.#models.endOfGenerationIds],
    });
  }

  /** The cells and sequences of local models for a text of this many tokens, and for its branches. */
  #need(strategy: Strategy, tokenCount: number): KvAmounts {
    const { contextLength } = this.#models;
    const needOf = ([name, needs]: readonly [string, SessionNeeds]): KvAmounts => {
      const label = name as ModelLabel;
      if (this.#models.isRemote(label)) return {};
      const { count = 0, tokenCountMax = 0 } = needs.branches ?? {};
      const textLength = isWriter(label)
        ? Math.min(tokenCount, contextLength)
        : Math.min(judgedLength(tokenCount), this.#models.contextLengthOf(label));
      const amount = {
        // After a preemption every branch may have to read the whole text by itself.
        cellCount: (1 + count) * textLength + count * tokenCountMax,
        sequenceCount: 1 + count,
      };
      return { [this.#models.idOf(label)]: amount };
    };
    return Object.entries(strategy.needs)
      .map(needOf)
      .reduce((sum, need) => addAmounts(sum, need, 1), {});
  }

  #withFallback(strategy: Strategy): Strategy {
    const mayGoOn = this.#options.onLargeFailure === 'small' && this.#models.isRemote('large');
    return mayGoOn && strategy.needs.large !== undefined ? withSmallAlone(strategy) : strategy;
  }

  #strategy(value: StrategyValue, sampling: SamplingParams): Strategy {
    const { method, text } = value;
    const options = { ...this.#options, sampling };
    // A fit holds for one way to draw. Methods that a fit decides about learn nothing from requests.
    if (method.fit !== undefined) return method.build(value, options);
    const known = this.#strategies.get(text);
    if (known?.method === method) return known.strategy;
    const strategy = method.build(value, options);
    if (this.#strategies.size >= STRATEGY_COUNT_MAX) this.#strategies.clear();
    this.#strategies.set(text, { method, strategy });
    return strategy;
  }

  /** Runs before the request starts. @throws PilotfishError `model-unknown`, `capability-missing` */
  #checkModels(strategy: Strategy, { logprobs, grammar, sampling }: CheckedRequest): void {
    if (this.#closed) throw closedError();
    for (const [name, needs] of Object.entries(strategy.needs)) {
      const label = name as ModelLabel;
      const model = this.#models.get(label);
      if (model === null) throw noModel(strategy, label);
      const writes = isWriter(label);
      const reads = joinReads(needs.reads ?? {}, { logprob: writes && logprobs });
      const hasGrammar = grammar !== undefined;
      const keepsGrammar = needs.keepsGrammar === true || (writes && hasGrammar);
      const all = { ...needs, reads, keepsGrammar };
      const missing =
        missingCapability(all, this.#models.capabilitiesOf(label, sampling, hasGrammar)) ??
        (writes ? this.#models.missingSamplingOf(label, sampling, hasGrammar) : null);
      if (missing !== null) throw incapable(strategy, label, model.facts.name, missing);
    }
  }
}

function noModel({ name }: Strategy, label: ModelLabel): PilotfishError {
  return new PilotfishError(
    'model-unknown',
    `The strategy ${name} needs a ${label} model, and none is loaded.`,
    { remedy: `Open the engine with a ${label} model.`, fields: { role: label } },
  );
}

function incapable(
  { name }: Strategy,
  label: ModelLabel,
  model: string,
  why: string,
): PilotfishError {
  return new PilotfishError(
    'capability-missing',
    `The strategy ${name} cannot use ${model} as its ${label} model: ${why}.`,
    {
      remedy: `Choose another strategy, or a ${label} model that this program runs itself.`,
      fields: { strategy: name, label, model },
    },
  );
}

function checkedOvercommit(value: number): number {
  if (Number.isFinite(value) && value >= 1) return value;
  throw new PilotfishError('option-invalid', `overcommit is ${value}, not a number from 1 up.`, {
    remedy: 'Give overcommit as a number from 1 up.',
    fields: { option: 'overcommit', value: String(value) },
  });
}

function checkRequestCountMax(value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new PilotfishError('option-invalid', `requestCountMax is ${value}, not 1 or more.`, {
    remedy: 'Give requestCountMax as an integer from 1 up.',
    fields: { option: 'requestCountMax', value: String(value) },
  });
}

function closedError(): PilotfishError {
  return new PilotfishError('disposed', 'The engine was closed.');
}

function unknownToken(id: number, size: number): PilotfishError {
  return new PilotfishError('option-invalid', `There is no token ${id}: there are ${size}.`, {
    remedy: `Give ids from 0 to ${size - 1}.`,
    fields: { option: 'tokens', value: id },
  });
}
