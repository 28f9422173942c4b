/** The session of a model that takes token ids on a server: rows by batches of texts, writing by streams. */
import { invariant } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RowsRequest, Session, SessionRequest, WriteRequest } from '../session/session.ts';
import { BoundaryWatch } from '../session/write-boundary.ts';
import type { MeteredCall } from './metered-call.ts';
import type { ServedHome } from './served-home.ts';
import { type AskedRow, type Drawing, type MaskedRow, ServedRows } from './served-rows.ts';
import { ServedStream, type ServedStreamOptions, type StreamPart } from './served-stream.ts';
import { SessionCalls } from './session-calls.ts';

type Batch = readonly AskedRow[];

/** Unread tokens that are worth a call of their own. */
const COLD_LENGTH = 64;

export class ServedSession implements Session {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  readonly #model: ServedHome;
  readonly #request: SessionRequest;
  readonly #calls: SessionCalls;
  readonly #rows: ServedRows;
  /** The longest text that the server has read for this session. */
  #read: readonly TokenId[] = [];

  constructor(
    model: ServedHome,
    modelId: ModelId,
    request: SessionRequest,
    calls: SessionCalls = new SessionCalls({ modelId, request, clock: model.clock }),
  ) {
    this.modelId = modelId;
    const { sampling, grammar } = request;
    this.capabilities = model.capabilitiesFor(sampling.sampling, grammar !== undefined);
    this.#model = model;
    this.#request = request;
    this.#calls = calls;
    this.#rows = new ServedRows(model, request, calls.signal);
  }

  async rows({ text, outputCount, purpose, ...drawing }: RowsRequest): Promise<RowResult[]> {
    invariant(outputCount <= this.capabilities.outputRowCountMax, 'more rows than it gives');
    const asked = await this.#rows.of(text, outputCount);
    const call = this.#calls.begin(purpose);
    try {
      const rows: RowResult[] = [];
      for (const batches of this.#waves(asked, drawing)) {
        const answers = batches.map((batch) => this.#rows.ask(call, batch, drawing));
        rows.push(...(await call.all(answers)).flat());
      }
      this.#read = [...text];
      return rows;
    } finally {
      this.#calls.end(call);
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
    const { text, purpose } = request;
    const call = this.#calls.begin(purpose);
    const { client, attempts } = this.#model;
    const stream = new ServedStream({
      ...{ client, attempts, call, endRow: this.#rows.row(null) },
      ...{ readCount: text.length, resumes: true },
      open: (written) => this.#parts(request, written, call),
      whole: this.#wholeStream(request, call),
    });
    try {
      while (!watch.isReached) {
        const row = await stream.next();
        const before = [...text, ...stream.written.slice(0, -1)];
        const asked = await this.#rows.forbidding(before, row.tokenId);
        if (asked !== null) {
          // It would write on behind the forbidden token.
          this.#calls.end(call);
          yield await this.#repaired(asked, row.tokenId, request);
          return;
        }
        yield row;
      }
      await stream.settle();
      this.#read = [...text, ...stream.written];
    } finally {
      this.#calls.end(call);
    }
  }

  /** The row in place of one whose token is forbidden. */
  async #repaired(
    asked: MaskedRow,
    forbidden: TokenId,
    { purpose, ...drawing }: WriteRequest,
  ): Promise<RowResult> {
    const call = this.#calls.begin(purpose);
    try {
      const row = await this.#rows.redrawn(call, asked, drawing, [forbidden]);
      this.#read = [...asked.text, row.tokenId];
      return row;
    } finally {
      this.#calls.end(call);
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
      const asking = this.#rows.asking(known, drawing);
      const answer = await client.send(whole.call(known, count, asking), call);
      const tokens = client.read('tokens', () => whole.read(answer));
      bill.wrote(tokens.length);
      return tokens.map((token) => this.#rows.row(token, drawing));
    };
  }

  async *#parts(
    { text, until, ...drawing }: WriteRequest,
    written: readonly TokenId[],
    call: MeteredCall,
  ): AsyncGenerator<StreamPart, void> {
    const { client, dialect } = this.#model;
    const known = [...text, ...written];
    const left = { ...until, tokenCountMax: until.tokenCountMax - written.length };
    const sent = dialect.streamCall(known, left, this.#rows.asking(known, drawing));
    let seenCount = 0;
    for await (const event of client.events(sent, call)) {
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
    return new ServedSession(this.#model, this.modelId, this.#request, this.#calls.fork());
  }

  /** Of what this session has had read: the server's cache may hold more, or less. */
  unreadLength(text: readonly TokenId[]): number {
    const at = text.findIndex((token, index) => token !== this.#read[index]);
    return at < 0 ? 0 : text.length - at;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#calls[Symbol.asyncDispose]();
  }
}
