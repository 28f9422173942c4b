/**
 * The session of a model that takes conversations and writes text: it gives no rows of a given text, and
 * its tokens may be others. What it writes is cut into the tokens of the small model.
 */
import { required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { Conversation, Session, SessionRequest, WriteRequest } from '../session/session.ts';
import { BoundaryWatch } from '../session/write-boundary.ts';
import type { ChatAsking, ChatDialect, LENGTH_NAMES } from './chat-dialect.ts';
import type { MeteredCall } from './metered-call.ts';
import { ServedStream, type StreamPart } from './served-stream.ts';
import { ServerFailure } from './server-failure.ts';
import type { ServerHome } from './server-model.ts';
import { SessionCalls, servedDraw } from './session-calls.ts';
import { TextTokensFeed } from './text-tokens-feed.ts';

export interface TextHome extends ServerHome {
  readonly capabilities: SessionCapabilities;
  readonly dialect: ChatDialect;
  readonly lengthName: (typeof LENGTH_NAMES)[number];
}

/** How APIs answer to a length above their own limit. */
const REFUSALS: readonly number[] = [400, 422];

export class TextSession implements Session {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  readonly #model: TextHome;
  readonly #request: SessionRequest;
  readonly #calls: SessionCalls;
  /** Its tokens may be shorter than ours; what it writes too much is cut off. */
  #lengthFactor = 2;

  constructor(
    model: TextHome,
    modelId: ModelId,
    request: SessionRequest,
    calls: SessionCalls = new SessionCalls({ modelId, request, clock: model.clock }),
  ) {
    this.modelId = modelId;
    this.capabilities = model.capabilities;
    this.#model = model;
    this.#request = request;
    this.#calls = calls;
  }

  rows(): Promise<never> {
    return Promise.reject(new Error('its capabilities have no rows'));
  }

  async *write(given: WriteRequest): AsyncGenerator<RowResult, void, undefined> {
    // The text of a request grows while it is written on.
    const request = { ...given, text: [...given.text] };
    const { until, purpose, text } = request;
    const watch = new BoundaryWatch(until, this.#request);
    const call = this.#calls.begin(purpose);
    const { client, attempts, dialect, endToken } = this.#model;
    const endRow = { ...NOTHING_READ, tokenId: endToken };
    const stream = new ServedStream({
      ...{ client, attempts, call, endRow },
      ...{ readCount: text.length, resumes: dialect.continues },
      open: (written) => this.#parts(request, written, call),
    });
    try {
      yield* stream.until(watch);
    } finally {
      this.#calls.end(call);
    }
  }

  async *#parts(
    request: WriteRequest,
    written: readonly TokenId[],
    call: MeteredCall,
  ): AsyncGenerator<StreamPart, void> {
    const { client, dialect } = this.#model;
    const begun = this.#textOf([...request.text, ...written]);
    const feed = new TextTokensFeed(this.#conversation().tokensOf);
    for await (const event of this.#events(this.#asking(request, begun), call)) {
      const { text, end, usage } = client.read('an event', () => dialect.readPart(event));
      const ids = [...feed.push(text), ...(end === null ? [] : feed.flush())];
      const rows = ids.map((tokenId) => ({ ...NOTHING_READ, tokenId }));
      yield { rows, end, usage, writtenCount: null };
    }
  }

  /** With half of the length, if the server refuses the whole. */
  async *#events(asking: ChatAsking, call: MeteredCall): AsyncGenerator<unknown, void> {
    const { client, dialect } = this.#model;
    const { tokenCountMax: length } = asking;
    try {
      const tokenCountMax = length * this.#lengthFactor;
      yield* client.events(dialect.streamCall({ ...asking, tokenCountMax }), call);
    } catch (error) {
      const isRefused = error instanceof ServerFailure && REFUSALS.includes(error.status ?? 0);
      if (!isRefused || this.#lengthFactor === 1) throw error;
      this.#lengthFactor = 1;
      yield* client.events(dialect.streamCall(asking), call);
    }
  }

  fork(): Session {
    return new TextSession(this.#model, this.modelId, this.#request, this.#calls.fork());
  }

  unreadLength(text: readonly TokenId[]): number {
    return text.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#calls[Symbol.asyncDispose]();
  }

  #asking({ until, text, ...drawing }: WriteRequest, begun: string): ChatAsking {
    const { servedName: model, lengthName } = this.#model;
    return {
      ...servedDraw(this.#request, drawing, { position: text.length }),
      ...{ model, lengthName, begun, messages: this.#conversation().messages },
      tokenCountMax: until.tokenCountMax,
    };
  }

  #conversation(): Conversation {
    return required(this.#request.conversation, 'a request has a conversation');
  }

  /** The answer so far. */
  #textOf(text: readonly TokenId[]): string {
    const answer = text.slice(this.#request.promptLength);
    return Buffer.concat(answer.map((id) => this.#request.tokenBytes(id))).toString('utf8');
  }
}
