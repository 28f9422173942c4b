/**
 * The session of a model that takes conversations and writes text: it gives no rows of a given text, and
 * its tokens may be others. What it writes is cut into the tokens of the small model.
 */
import { abortError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import { noiseBits, noiseKey, seedOfDraw } from '../core/noise.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { Conversation, Session, SessionRequest, WriteRequest } from '../session/session.ts';
import { SessionLife } from '../session/session-life.ts';
import { BoundaryWatch } from '../session/write-boundary.ts';
import type { ChatAsking, ChatDialect, LENGTH_NAMES } from './chat-dialect.ts';
import { MeteredCall } from './metered-call.ts';
import type { ServedHome } from './served-session.ts';
import { ServedStream, type StreamPart } from './served-stream.ts';
import type { CallOptions } from './server-client.ts';
import { TextTokensFeed } from './text-tokens-feed.ts';

export interface TextHome
  extends Pick<ServedHome, 'client' | 'attempts' | 'servedName' | 'endToken' | 'clock'> {
  readonly capabilities: SessionCapabilities;
  readonly dialect: ChatDialect;
  readonly lengthName: (typeof LENGTH_NAMES)[number];
}

export class TextSession implements Session {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  readonly #model: TextHome;
  readonly #request: SessionRequest;
  readonly #life: SessionLife;
  /** Not recorded yet. */
  readonly #calls = new Set<MeteredCall>();
  #hasCalled = false;

  constructor(model: TextHome, modelId: ModelId, request: SessionRequest) {
    this.modelId = modelId;
    this.capabilities = model.capabilities;
    this.#model = model;
    this.#request = request;
    this.#life = new SessionLife(request.signal);
    request.remoteSessions.add(this);
  }

  rows(): Promise<never> {
    return Promise.reject(new Error('its capabilities have no rows'));
  }

  async *write(given: WriteRequest): AsyncGenerator<RowResult, void, undefined> {
    // The text of a request grows while it is written on.
    const request = { ...given, text: [...given.text] };
    const { until, purpose, text } = request;
    const watch = new BoundaryWatch(until, this.#request);
    const call = this.#call(purpose);
    const { client, attempts, dialect, endToken } = this.#model;
    const endRow = { ...NOTHING_READ, tokenId: endToken };
    const stream = new ServedStream({
      ...{ client, attempts, call, endRow, signal: this.#life.signal },
      ...{ readCount: text.length, resumes: dialect.continues },
      open: (written, signal) => this.#parts(request, written, { signal, meter: call }),
    });
    try {
      while (!watch.isReached) {
        const row = await stream.next();
        watch.push(row.tokenId);
        yield row;
      }
      await stream.settle();
    } finally {
      stream.cancel();
      call.record();
      this.#calls.delete(call);
    }
  }

  async *#parts(
    request: WriteRequest,
    written: readonly TokenId[],
    options: CallOptions,
  ): AsyncGenerator<StreamPart, void> {
    const { client, dialect } = this.#model;
    const begun = this.#textOf([...request.text, ...written]);
    const feed = new TextTokensFeed(this.#conversation().tokensOf);
    const call = dialect.streamCall(this.#asking(request, begun));
    for await (const event of client.events(call, options)) {
      const { text, end, usage } = client.read('an event', () => dialect.readPart(event));
      const ids = [...feed.push(text), ...(end === null ? [] : feed.flush())];
      const rows = ids.map((tokenId) => ({ ...NOTHING_READ, tokenId }));
      yield { rows, end, usage, writtenCount: null };
    }
  }

  fork(): Session {
    return new TextSession(this.#model, this.modelId, this.#request);
  }

  unreadLength(text: readonly TokenId[]): number {
    return text.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.end();
    for (const call of this.#calls) call.record();
    this.#calls.clear();
    this.#request.remoteSessions.delete(this);
  }

  #asking({ until, draw = 0, temperature, noise, text }: WriteRequest, begun: string): ChatAsking {
    const { sampling: params, seed } = this.#request.sampling;
    const sampling = temperature === undefined ? params : { ...params, temperature };
    const key = noiseKey(seedOfDraw(seed, draw), text.length, noise ?? 'sample');
    const { servedName: model, lengthName } = this.#model;
    return {
      ...{ model, lengthName, sampling, begun },
      messages: this.#conversation().messages,
      seed: sampling.temperature === 0 ? null : noiseBits(key, 0) >>> 1,
      // Its tokens may be shorter; what it writes too much is cut off.
      tokenCountMax: 2 * until.tokenCountMax,
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

  #call(purpose: WriteRequest['purpose']): MeteredCall {
    const { signal } = this.#life;
    if (signal.aborted) throw abortError(signal);
    const { modelId: model } = this;
    const isFirst = !this.#hasCalled;
    this.#hasCalled = true;
    const { recorder } = this.#request;
    const call = new MeteredCall({ model, purpose, recorder, clock: this.#model.clock, isFirst });
    this.#calls.add(call);
    return call;
  }
}
