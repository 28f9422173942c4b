/** The session of a model that takes token ids on a server: rows by batches of texts, writing by streams. */
import type { Clock } from '../core/clock.ts';
import { abortError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { RowResult } from '../core/row-program.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RowsRequest, Session, SessionRequest, WriteRequest } from '../session/session.ts';
import { SessionLife } from '../session/session-life.ts';
import { BoundaryWatch } from '../session/write-boundary.ts';
import type { Attempts } from './attempts.ts';
import type { Dialect } from './dialect.ts';
import { MeteredCall } from './metered-call.ts';
import { type AskedRow, type Drawing, ServedRows } from './served-rows.ts';
import { ServedStream, type ServedStreamOptions, type StreamPart } from './served-stream.ts';
import type { CallOptions, ServerClient } from './server-client.ts';

/** The part of the model that its sessions use. */
export interface ServedHome {
  /** All that it can do. */
  readonly capabilities: SessionCapabilities;
  capabilitiesFor(sampling: SamplingParams, hasGrammar: boolean): SessionCapabilities;
  readonly client: ServerClient;
  readonly attempts: Attempts;
  readonly dialect: Dialect;
  /** The model's name on the server. */
  readonly servedName: string;
  /** The token for an end that the server does not name. */
  readonly endToken: TokenId;
  readonly clock: Clock;
}

type Batch = readonly AskedRow[];

/** Unread tokens that are worth a call of their own. */
const COLD_LENGTH = 64;

export class ServedSession implements Session {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  readonly #model: ServedHome;
  readonly #request: SessionRequest;
  readonly #life: SessionLife;
  readonly #rows: ServedRows;
  /** Not recorded yet. */
  readonly #calls = new Set<MeteredCall>();
  #hasCalled = false;
  /** The longest text that the server has read for this session. */
  #read: readonly TokenId[] = [];

  constructor(model: ServedHome, modelId: ModelId, request: SessionRequest) {
    this.modelId = modelId;
    const { sampling, grammar } = request;
    this.capabilities = model.capabilitiesFor(sampling.sampling, grammar !== undefined);
    this.#model = model;
    this.#request = request;
    this.#life = new SessionLife(request.signal);
    this.#rows = new ServedRows(model, request, this.#life.signal);
    request.remoteSessions.add(this);
  }

  async rows({ text, outputCount, purpose, ...drawing }: RowsRequest): Promise<RowResult[]> {
    invariant(outputCount <= this.capabilities.outputRowCountMax, 'more rows than it gives');
    const asked = await this.#rows.of(text, outputCount);
    const call = this.#call(purpose);
    try {
      const rows: RowResult[] = [];
      for (const batches of this.#waves(asked, drawing)) {
        const answers = batches.map((batch) => this.#rows.ask(call, batch, drawing));
        rows.push(...(await Promise.all(answers)).flat());
      }
      this.#read = [...text];
      return rows;
    } finally {
      this.#end(call);
    }
  }

  /** The calls that are made side by side, wave after wave. */
  #waves(asked: Batch, drawing: Drawing): readonly (readonly Batch[])[] {
    const isOneCall = this.#rows.mayShareCalls(drawing);
    const side = (some: Batch): readonly Batch[] => (isOneCall ? [some] : some.map((one) => [one]));
    const [first, ...others] = asked;
    const isCold =
      this.#model.dialect.sharesPrefixes &&
      others.length > 0 &&
      this.unreadLength(first?.text ?? []) >= COLD_LENGTH;
    // Side by side, each of the texts would be read as a whole.
    return isCold && first !== undefined ? [[[first]], side(others)] : [side(asked)];
  }

  async *write(given: WriteRequest): AsyncGenerator<RowResult, void, undefined> {
    const { until, ...drawing } = given;
    const watch = new BoundaryWatch(until, this.#request);
    // The text of a request grows while it is written on.
    const text = [...given.text];
    let left = until.tokenCountMax;
    while (!watch.isReached) {
      const request = { ...given, text: [...text], until: { ...until, tokenCountMax: left } };
      const rows = this.#rows.needsRows(drawing)
        ? await this.rows({ ...drawing, text, outputCount: 1 })
        : this.#stream(request, watch);
      for await (const row of rows) {
        text.push(row.tokenId);
        left -= 1;
        watch.push(row.tokenId);
        yield row;
      }
    }
  }

  /** One stream, up to the boundary or to the first token that its grammar forbids, which is repaired. */
  async *#stream(
    request: WriteRequest,
    watch: BoundaryWatch,
  ): AsyncGenerator<RowResult, void, undefined> {
    const { text, purpose, until: _, ...drawing } = request;
    const call = this.#call(purpose);
    const { client, attempts } = this.#model;
    const stream = new ServedStream({
      ...{ client, attempts, call, endRow: this.#rows.row(null), signal: this.#life.signal },
      ...{ readCount: text.length, resumes: true },
      open: (written, signal) => this.#parts(request, written, { signal, meter: call }),
      whole: this.#wholeStream(request, call),
    });
    try {
      while (!watch.isReached) {
        const row = await stream.next();
        const before = [...text, ...stream.written.slice(0, -1)];
        const asked = await this.#rows.forbidding(before, row.tokenId);
        if (asked !== null) {
          // It would write on behind the forbidden token.
          stream.cancel();
          const repaired = await this.#rows.redrawn(call, asked, drawing, [row.tokenId]);
          this.#read = [...before, repaired.tokenId];
          yield repaired;
          return;
        }
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
  #wholeStream(
    { text, until: _, ...drawing }: WriteRequest,
    call: MeteredCall,
  ): ServedStreamOptions['whole'] {
    const { client, dialect } = this.#model;
    const { whole } = dialect;
    if (whole === undefined) return undefined;
    return async (written, count, bill) => {
      const known = [...text, ...written];
      const options = { signal: this.#life.signal, meter: call };
      const asking = this.#rows.asking(known, drawing);
      const answer = await client.send(whole.call(known, count, asking), options);
      const tokens = client.read('tokens', () => whole.read(answer));
      bill.wrote(tokens.length);
      return tokens.map((token) => this.#rows.row(token, drawing));
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
    const call = dialect.streamCall(known, left, this.#rows.asking(known, drawing));
    let seenCount = 0;
    for await (const event of client.events(call, options)) {
      const part = client.read('an event', () => dialect.readPart(event));
      const freshCount = Math.max(0, (part.writtenCount ?? 0) - seenCount);
      const isRepeated = dialect.repeatsParts && freshCount < part.tokens.length;
      const tokens = isRepeated ? part.tokens.slice(part.tokens.length - freshCount) : part.tokens;
      seenCount += tokens.length;
      const rows = tokens.map((token) => this.#rows.row(token, drawing));
      yield { ...part, rows: rows.map((row) => this.#rows.withDistribution(row, drawing)) };
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
