/**
 * The hub without a network: it takes the messages of connections and answers with messages. Requests
 * share the large model, whose executor puts their verifications into common batches.
 *
 * A request holds cells of the model while it waits for its next transmission. Where another needs them,
 * the one that has been idle for longest gives them up: its text goes to the prefix cache, and is read
 * again, as far as that has dropped it, with its next transmission.
 */
import { type Clock, systemClock } from '../core/clock.ts';
import { type Draws, seededDraws } from '../core/draws.ts';
import type { ModelId } from '../core/model-id.ts';
import { KvScheduler } from '../kv-cache/kv-scheduler.ts';
import type { Lease } from '../kv-cache/lease.ts';
import type { HubFacts } from '../link/hub-facts.ts';
import type {
  AnswerMessage,
  DeviceMessage,
  HubMessage,
  LinkErrorCode,
  OpenMessage,
  RequestId,
} from '../link/messages.ts';
import type { LanguageModel } from '../model/roles.ts';
import { PADDING_COUNT_MAX } from '../vocabulary/vocabulary-comparison.ts';
import { vocabularyDigest } from '../vocabulary/vocabulary-digest.ts';
import { HUB_LIMITS, type HubLimits } from './hub-limits.ts';
import { type AnswerKind, HubRequest, type RequestHome, type Send } from './hub-request.ts';

export interface HubOptions {
  /** The caller disposes of it, after the hub. */
  readonly model: LanguageModel;
  /** SHA-256 of the model's file, in hex. */
  readonly digest: string;
  readonly limits?: Partial<HubLimits> | undefined;
  /** The draws of a request's verdicts; default: seeded noise. Tests enumerate. */
  readonly draws?: ((seed: number) => Draws) | undefined;
  /** Told of failures that no device caused. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
  readonly clock?: Clock | undefined;
}

/** Counts since the start, and the present state. */
export interface HubStatus {
  readonly isDraining: boolean;
  readonly connectionCount: number;
  readonly requestCount: number;
  /** Requests with a question that waits for its answer. */
  readonly busyCount: number;
  readonly acceptedCount: number;
  readonly rejectedCount: number;
  /** Tokens of runs. */
  readonly writtenCount: number;
  readonly rowCount: number;
  readonly computeMs: number;
  readonly waitedMs: number;
  readonly refusedCount: number;
  readonly failureCount: number;
}

/** One connection, as the hub sees it. */
export interface HubConnection {
  /** Of the vocabulary in which its ids are coded; it changes with `open` and `resume`. */
  readonly vocabularySize: number;
  receive(message: DeviceMessage): void;
  /** The connection has ended. Its request can be resumed on another one. */
  end(): void;
}

interface Known {
  readonly request: HubRequest;
  lastUsedMs: number;
}

export class Hub implements AsyncDisposable {
  readonly facts: HubFacts;
  readonly limits: HubLimits;
  readonly #options: HubOptions;
  readonly #clock: Clock;
  readonly #scheduler: KvScheduler;
  readonly #home: RequestHome;
  readonly #requests = new Map<RequestId, Known>();
  /** Those that hold cells and do not use them, the longest idle first. */
  readonly #idle = new Set<HubRequest>();
  readonly #connections = new Set<Connection>();
  /** By size: the first tokens of the vocabulary may be those of a smaller one. */
  readonly #digests = new Map<number, string>();
  readonly #counts = {
    ...{ accepted: 0, rejected: 0, written: 0, rows: 0, computeMs: 0, waitedMs: 0, refused: 0 },
  };
  #failureCount = 0;
  #isDraining = false;

  constructor(options: HubOptions) {
    const { model, digest, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.limits = { ...HUB_LIMITS, ...options.limits };
    this.facts = factsOf(model, digest);
    const modelId: ModelId = model.facts.name;
    this.#scheduler = new KvScheduler({
      models: new Map([[modelId, model]]),
      requestCountMax: model.facts.sequenceCountMax,
      waitingCountMax: this.limits.requestCountMax,
    });
    this.#home = {
      ...{ model, modelId, transmissionsInFlightMax: this.limits.transmissionsInFlightMax },
      lease: (cellCount, signal) => this.#lease(modelId, cellCount, signal),
      busy: (request) => void this.#idle.delete(request),
      idle: (request) => {
        this.#idle.add(request);
        this.#makeRoom();
      },
      answered: (answer, kind) => this.#count(answer, kind),
      failed: (error) => {
        this.#failureCount += 1;
        options.onFailure?.(error);
      },
    };
  }

  get status(): HubStatus {
    const { accepted, rejected, written, rows, refused, computeMs, waitedMs } = this.#counts;
    return {
      isDraining: this.#isDraining,
      connectionCount: this.#connections.size,
      requestCount: this.#requests.size,
      busyCount: [...this.#requests.values()].filter(({ request }) => request.isBusy).length,
      ...{
        acceptedCount: accepted,
        rejectedCount: rejected,
        writtenCount: written,
        rowCount: rows,
        refusedCount: refused,
      },
      ...{ computeMs, waitedMs, failureCount: this.#failureCount },
    };
  }

  /** @param owner names the key of the device: only it can resume its requests */
  connect(owner: string, send: (message: HubMessage) => void): HubConnection {
    const connection = new Connection(this, owner, send);
    this.#connections.add(connection);
    if (this.#isDraining) send({ type: 'drain' });
    return connection;
  }

  /** Tells all devices, and takes no more requests. Those that are open go on. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (const connection of this.#connections) connection.send({ type: 'drain' });
  }

  /** Whether no open request has a connection. */
  get isQuiet(): boolean {
    return [...this.#requests.values()].every(({ request }) => !request.isConnected);
  }

  /** Forgets requests whose devices did not come back. */
  forgetLost(): void {
    const from = this.#clock.nowMs() - this.limits.resumeMs;
    for (const [id, { request, lastUsedMs }] of this.#requests) {
      if (!request.isConnected && !request.isBusy && lastUsedMs < from) void this.close(id);
    }
  }

  /** @throws InvariantError if cells were lost, when no request is open */
  checkIdle(): Promise<void> {
    return this.#scheduler.checkIdle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#requests.keys()].map((id) => this.close(id)));
    await this.#scheduler.forget();
  }

  /** @returns null, or why not */
  open(message: OpenMessage, connection: Connection): Refusal | null {
    const { requestId, vocabulary, text } = message;
    const { contextLength, vocabularySize } = this.facts;
    const padding = vocabularySize - vocabulary.size;
    const isNear = padding >= 0 && padding <= PADDING_COUNT_MAX;
    if (!isNear || this.#digest(vocabulary.size) !== vocabulary.digest) {
      return ['vocabulary-mismatch', `${this.facts.name} has other tokens.`];
    }
    if (text.length >= contextLength) {
      return ['context-full', `The context of ${this.facts.name} is ${contextLength} tokens.`];
    }
    const known = this.#requests.get(requestId);
    if (known !== undefined && known.request.owner !== connection.owner) {
      return ['busy', 'Another device has a request of this id.'];
    }
    if (known === undefined) {
      const busy = this.#full(connection.owner);
      if (busy !== null) return ['busy', busy];
    } else {
      void this.close(requestId);
    }
    const draws = (this.#options.draws ?? seededDraws)(message.seed);
    const request = new HubRequest(message, connection.owner, this.#home, draws);
    this.#requests.set(requestId, { request, lastUsedMs: this.#clock.nowMs() });
    return null;
  }

  request(id: RequestId, owner: string): HubRequest | null {
    const known = this.#requests.get(id);
    if (known === undefined || known.request.owner !== owner) return null;
    known.lastUsedMs = this.#clock.nowMs();
    return known.request;
  }

  async close(id: RequestId): Promise<void> {
    const known = this.#requests.get(id);
    if (known === undefined) return;
    this.#requests.delete(id);
    this.#idle.delete(known.request);
    await known.request.close();
  }

  refused(): void {
    this.#counts.refused += 1;
  }

  ended(connection: Connection): void {
    this.#connections.delete(connection);
  }

  /** In words; null: there is room for another request. */
  #full(owner: string): string | null {
    if (this.#isDraining) return 'The hub will close soon.';
    this.forgetLost();
    this.#forgetOldestLost(owner);
    const { requestCountMax, requestsPerKeyMax } = this.limits;
    if (this.#requests.size >= requestCountMax) {
      return `The hub has ${requestCountMax} requests, its maximum.`;
    }
    const own = [...this.#requests.values()].filter(({ request }) => request.owner === owner);
    if (own.length < requestsPerKeyMax) return null;
    return `The devices of this key have ${requestsPerKeyMax} requests, their maximum.`;
  }

  /** A device that lost its connections must not keep itself out. */
  #forgetOldestLost(owner: string): void {
    const { requestCountMax, requestsPerKeyMax } = this.limits;
    const own = [...this.#requests].filter(([, { request }]) => request.owner === owner);
    if (this.#requests.size < requestCountMax && own.length < requestsPerKeyMax) return;
    const [oldest] = own
      .filter(([, { request }]) => !request.isConnected && !request.isBusy)
      .sort(([, a], [, b]) => a.lastUsedMs - b.lastUsedMs);
    if (oldest !== undefined) void this.close(oldest[0]);
  }

  async #lease(modelId: ModelId, cellCount: number, signal: AbortSignal): Promise<Lease> {
    const need = { [modelId]: { cellCount, sequenceCount: 1 } };
    const lease = this.#scheduler.acquire({ need, needMax: need, reuses: true }, signal);
    this.#makeRoom();
    return await lease;
  }

  /** Takes the cells of idle requests while others wait for some. */
  #makeRoom(): void {
    for (const request of this.#idle) {
      if (this.#scheduler.load.waitingCount === 0) return;
      this.#idle.delete(request);
      void request.release();
    }
  }

  #digest(size: number): string {
    const known = this.#digests.get(size);
    if (known !== undefined) return known;
    const digest = vocabularyDigest(this.#options.model.vocabulary, size);
    // Pairs of models have one size; a device that tries many gains nothing.
    if (this.#digests.size >= DIGEST_COUNT_MAX) this.#digests.clear();
    this.#digests.set(size, digest);
    return digest;
  }

  #count({ rowCount, computeMs, waitedMs }: AnswerMessage, kind: AnswerKind): void {
    this.#counts[kind] += 1;
    this.#counts.rows += rowCount;
    this.#counts.computeMs += computeMs;
    this.#counts.waitedMs += waitedMs;
  }
}

const DIGEST_COUNT_MAX = 8;

type Refusal = readonly [code: LinkErrorCode, message: string];

/** Serves one request at a time. */
class Connection implements HubConnection {
  readonly owner: string;
  readonly send: (message: HubMessage) => void;
  readonly #hub: Hub;
  #request: HubRequest | null = null;
  /** For the request's messages. Another one each time that a request is attached. */
  #answer: Send = () => undefined;
  #hasEnded = false;

  constructor(hub: Hub, owner: string, send: (message: HubMessage) => void) {
    this.#hub = hub;
    this.owner = owner;
    this.send = send;
  }

  get vocabularySize(): number {
    return this.#request?.opened.vocabulary.size ?? this.#hub.facts.vocabularySize;
  }

  receive(message: DeviceMessage): void {
    if (this.#hasEnded) return;
    if (message.type === 'open') this.#open(message);
    else if (message.type === 'resume') this.#attach(message.requestId, message.epoch);
    else if (message.type === 'close') this.#close(message.requestId);
    else if (this.#request !== null) this.#request.receive(message, this.#answer);
    else this.#refuse(['session-unknown', 'No request is open.'], message.sequence);
  }

  end(): void {
    this.#hasEnded = true;
    this.#detach();
    this.#hub.ended(this);
  }

  #open(message: OpenMessage): void {
    this.#detach();
    const refusal = this.#hub.open(message, this);
    if (refusal === null) this.#attach(message.requestId);
    else this.#refuse(refusal);
  }

  #attach(requestId: RequestId, epoch = 0): void {
    this.#detach();
    const request = this.#hub.request(requestId, this.owner);
    if (request === null) {
      this.#refuse(['session-unknown', 'The hub has no such request.']);
      return;
    }
    this.#request = request;
    this.#answer = (message) => this.send(message);
    request.attach(this.#answer, epoch);
    this.send({ type: 'opened', requestId, length: request.length });
  }

  #close(requestId: RequestId): void {
    const request = this.#hub.request(requestId, this.owner);
    if (request === null) return;
    if (request === this.#request) this.#request = null;
    void this.#hub.close(requestId);
  }

  /** A request that was resumed on another connection stays there. */
  #detach(): void {
    const request = this.#request;
    this.#request = null;
    request?.detach(this.#answer);
    if (request !== null) this.#hub.request(request.opened.requestId, this.owner);
  }

  #refuse([code, message]: Refusal, sequence: number | null = null): void {
    this.#hub.refused();
    this.send({ type: 'error', code, sequence, message });
  }
}

function factsOf({ facts, vocabulary }: LanguageModel, digest: string): HubFacts {
  const { name, parameterCounts, weightBytes, kvBytesPerToken, contextLength, rowCountMax } = facts;
  return {
    ...{ name, parameterCounts, weightBytes, kvBytesPerToken, contextLength, rowCountMax },
    ...{ digest, vocabularySize: vocabulary.size },
    endOfGenerationIds: [...vocabulary.endOfGenerationIds()],
  };
}
