/** The session of a model that takes token ids on a server: rows by batches of texts, writing by streams. */
import type { Clock } from '../core/clock.ts';
import { abortError } from '../core/errors.ts';
import { invariant, required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import { noiseBits, noiseKey, seedOfDraw } from '../core/noise.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RowsRequest, Session, SessionRequest, WriteRequest } from '../session/session.ts';
import { SessionLife } from '../session/session-life.ts';
import { BoundaryWatch } from '../session/write-boundary.ts';
import type { Attempts } from './attempts.ts';
import type { Asking, Dialect, ServedToken } from './dialect.ts';
import { MeteredCall } from './metered-call.ts';
import { ServedStream, type ServedStreamOptions, type StreamPart } from './served-stream.ts';
import type { CallOptions, ServerClient } from './server-client.ts';

/** The part of the model that its sessions use. */
export interface ServedHome {
  readonly capabilities: SessionCapabilities;
  readonly client: ServerClient;
  readonly attempts: Attempts;
  readonly dialect: Dialect;
  /** The model's name on the server. */
  readonly servedName: string;
  /** The token for an end that the server does not name. */
  readonly endToken: TokenId;
  readonly clock: Clock;
}

type Drawing = Pick<RowsRequest, 'reads' | 'draw' | 'temperature' | 'noise'>;

export class ServedSession implements Session {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  readonly #model: ServedHome;
  readonly #request: SessionRequest;
  readonly #life: SessionLife;
  /** Not recorded yet. */
  readonly #calls = new Set<MeteredCall>();
  #hasCalled = false;
  /** The longest text that the server has read for this session. */
  #read: readonly TokenId[] = [];

  constructor(model: ServedHome, modelId: ModelId, request: SessionRequest) {
    this.modelId = modelId;
    this.capabilities = model.capabilities;
    this.#model = model;
    this.#request = request;
    this.#life = new SessionLife(request.signal);
    request.remoteSessions.add(this);
  }

  async rows({ text, outputCount, purpose, ...drawing }: RowsRequest): Promise<RowResult[]> {
    invariant(outputCount <= this.capabilities.outputRowCountMax, 'more rows than it gives');
    const texts = Array.from({ length: outputCount }, (_, row) =>
      text.slice(0, text.length - outputCount + 1 + row),
    );
    // One seed for several texts would correlate their draws.
    const batches = this.#isGreedy(drawing) ? [texts] : texts.map((one) => [one]);
    const call = this.#call(purpose);
    try {
      const answers = await Promise.all(batches.map((batch) => this.#ask(call, batch, drawing)));
      this.#read = text;
      return answers.flat();
    } finally {
      this.#end(call);
    }
  }

  async *write(given: WriteRequest): AsyncGenerator<RowResult, void, undefined> {
    // The text of a request grows while it is written on.
    const request = { ...given, text: [...given.text] };
    const { until, purpose, text } = request;
    const watch = new BoundaryWatch(until, this.#request);
    const call = this.#call(purpose);
    const { client, attempts } = this.#model;
    const stream = new ServedStream({
      ...{ client, attempts, call, endRow: this.#row(null), signal: this.#life.signal },
      ...{ readCount: text.length, resumes: true },
      open: (written, signal) => this.#parts(request, written, { signal, meter: call }),
      whole: this.#whole(request, call),
    });
    try {
      while (!watch.isReached) {
        const row = await stream.next();
        watch.push(row.tokenId);
        yield row;
      }
      await stream.settle();
      this.#read = [...text, ...stream.written];
    } finally {
      stream.cancel();
      this.#end(call);
    }
  }

  /** As `ServedStreamOptions.whole`. */
  #whole(
    { text, until: _, ...drawing }: WriteRequest,
    call: MeteredCall,
  ): ServedStreamOptions['whole'] {
    const { client, dialect } = this.#model;
    const { whole } = dialect;
    if (whole === undefined) return undefined;
    return async (written, count, bill) => {
      const known = [...text, ...written];
      const options = { signal: this.#life.signal, meter: call };
      const asking = this.#asking(known, drawing);
      const answer = await client.send(whole.call(known, count, asking), options);
      const tokens = client.read('tokens', () => whole.read(answer));
      bill.wrote(tokens.length);
      return tokens.map((token) => this.#row(token, drawing.reads));
    };
  }

  async *#parts(
    { text, until, ...drawing }: WriteRequest,
    written: readonly TokenId[],
    options: CallOptions,
  ): AsyncGenerator<StreamPart, void> {
    const { client, dialect } = this.#model;
    const known = [...text, ...written];
    const left = { ...until, tokenCountMax: until.tokenCountMax - written.length };
    const call = dialect.streamCall(known, left, this.#asking(known, drawing));
    for await (const event of client.events(call, options)) {
      const { tokens, ...part } = client.read('an event', () => dialect.readPart(event));
      yield { ...part, rows: tokens.map((token) => this.#row(token, drawing.reads)) };
    }
  }

  fork(): Session {
    return new ServedSession(this.#model, this.modelId, this.#request);
  }

  /** Of what this session has had read: the server's cache may hold more, or less. */
  unreadLength(text: readonly TokenId[]): number {
    const at = text.findIndex((token, index) => token !== this.#read[index]);
    return at < 0 ? 0 : text.length - at;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.end();
    for (const call of this.#calls) call.record();
    this.#calls.clear();
    this.#request.remoteSessions.delete(this);
  }

  async #ask(
    call: MeteredCall,
    texts: readonly (readonly TokenId[])[],
    drawing: Drawing,
  ): Promise<readonly RowResult[]> {
    const { client, attempts, dialect } = this.#model;
    const asking = this.#asking(required(texts.at(-1), 'a text'), drawing);
    const { signal } = this.#life;
    const readCount = texts.reduce((sum, { length }) => sum + length, 0);
    return await attempts.run(async () => {
      const bill = call.begin(readCount, texts.length);
      const answer = await client.send(dialect.rowsCall(texts, asking), { signal, meter: call });
      const { tokens, usage } = client.read('rows', () => dialect.readRows(answer, texts.length));
      bill.settle(usage ?? { readCount, cachedCount: null, writtenCount: texts.length });
      return tokens.map((token) => this.#row(token, drawing.reads));
    }, signal);
  }

  #asking(text: readonly TokenId[], { reads = {}, draw = 0, temperature, noise }: Drawing): Asking {
    const { sampling: params, seed } = this.#request.sampling;
    const sampling = temperature === undefined ? params : { ...params, temperature };
    const key = noiseKey(seedOfDraw(seed, draw), text.length, noise ?? 'sample');
    return {
      model: this.#model.servedName,
      sampling,
      seed: sampling.temperature === 0 ? null : noiseBits(key, 0) >>> 1,
      topCount: topCountOf(reads),
    };
  }

  #isGreedy({ temperature }: Drawing): boolean {
    return (temperature ?? this.#request.sampling.sampling.temperature) === 0;
  }

  /** @param served null: an end without a token */
  #row(served: ServedToken | null, reads: RowReads = {}): RowResult {
    if (served === null) return { ...NOTHING_READ, tokenId: this.#model.endToken };
    const { vocabularySize } = this.#request.sampling;
    if (served.tokenId >= vocabularySize) {
      throw this.#model.client.invalid(
        `writes the token ${served.tokenId}, and the small model has ${vocabularySize} tokens`,
      );
    }
    const { logprob = false, topLogprobs = 0 } = reads;
    if (logprob && served.logprob === null) {
      throw this.#model.client.invalid('leaves out log-probabilities');
    }
    return {
      ...NOTHING_READ,
      tokenId: tokenId(served.tokenId),
      logprob: logprob ? served.logprob : null,
      topLogprobs: topLogprobs === 0 ? null : largest(served, topLogprobs),
    };
  }

  #call(purpose: RowsRequest['purpose']): MeteredCall {
    const { signal } = this.#life;
    if (signal.aborted) throw abortError(signal);
    const { clock } = this.#model;
    const { recorder } = this.#request;
    const { modelId: model } = this;
    const isFirst = !this.#hasCalled;
    this.#hasCalled = true;
    const call = new MeteredCall({ model, purpose, recorder, clock, isFirst });
    this.#calls.add(call);
    return call;
  }

  #end(call: MeteredCall): void {
    call.record();
    this.#calls.delete(call);
  }
}

function topCountOf({ logprob = false, topLogprobs = 0 }: RowReads): number | null {
  return topLogprobs > 0 ? topLogprobs : logprob ? 0 : null;
}

/** [count], descending; minus infinity where the server gave fewer. */
function largest({ top }: ServedToken, count: number): Float32Array {
  const sorted = [...top.values()].sort((a, b) => b - a).slice(0, count);
  return Float32Array.from({ length: count }, (_, index) => sorted[index] ?? -Infinity);
}
