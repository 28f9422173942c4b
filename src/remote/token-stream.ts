/**
 * The tokens of one text that a server writes on. A stream that breaks is gone on with behind the last
 * token that arrived, so no token is lost or taken twice.
 */
import type { RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { WriteBoundary } from '../session/write-boundary.ts';
import type { Attempts } from './attempts.ts';
import type { Asking, Dialect, ServedPart, ServedToken } from './dialect.ts';
import type { Bill, MeteredCall } from './metered-call.ts';
import type { ServerClient } from './server-client.ts';

export interface TokenStreamOptions {
  readonly client: ServerClient;
  readonly attempts: Attempts;
  readonly dialect: Dialect;
  readonly call: MeteredCall;
  readonly text: readonly TokenId[];
  readonly until: WriteBoundary;
  readonly asking: (text: readonly TokenId[]) => Asking;
  /** The row of a token; null: an end without a token. @throws ServerFailure for an impossible one */
  readonly rowOf: (token: ServedToken | null) => RowResult;
  readonly signal: AbortSignal;
}

/** One attempt. */
interface Leg {
  readonly parts: AsyncGenerator<ServedPart, void>;
  readonly bill: Bill;
  /** Tokens that arrived. */
  tokenCount: number;
}

export class TokenStream {
  readonly #options: TokenStreamOptions;
  readonly #text: TokenId[];
  /** Tokens that arrived before their reader. */
  readonly #arrived: RowResult[] = [];
  #leg: Leg | null = null;
  #end: ServedPart['end'] = null;
  readonly #cancelled = new AbortController();

  constructor(options: TokenStreamOptions) {
    this.#options = options;
    this.#text = [...options.text];
  }

  /** With the tokens that were read. */
  get text(): readonly TokenId[] {
    return this.#text;
  }

  /**
   * The row of the next token. If the model has ended the text and named no token for it, it is that of
   * the end.
   * @throws ServerFailure, PilotfishError `aborted`
   */
  async next(): Promise<RowResult> {
    const { attempts, signal, client, rowOf } = this.#options;
    while (this.#arrived.length === 0) {
      if (this.#end === 'model') return rowOf(null);
      if (this.#end === 'limit') throw client.invalid('ends an answer before its limit');
      await attempts.run(() => this.#read(), signal);
    }
    const row = this.#arrived.shift() as RowResult;
    this.#text.push(row.tokenId);
    return row;
  }

  /** Reads the bill of a stream that the server has ended by itself, and cancels any other. */
  async settle(): Promise<void> {
    if (this.#leg === null) return;
    const { parts, bill } = this.#leg;
    try {
      for await (const { tokens, end, usage } of parts) {
        bill.wrote(tokens.length);
        if (usage !== null) bill.settle(usage);
        // It writes on past the boundary.
        if (tokens.length > 0 && end === null) break;
      }
    } catch {
      // The text is whole; only its bill did not come.
    }
    this.#leg = null;
  }

  cancel(): void {
    this.#cancelled.abort();
  }

  /** Reads one part of the stream, or none of it. */
  async #read(): Promise<void> {
    const leg = this.#leg ?? this.#open();
    this.#leg = leg;
    try {
      const { value, done } = await leg.parts.next();
      if (done === true) throw this.#options.client.invalid('ends a stream without saying why');
      leg.bill.wrote(value.tokens.length);
      leg.tokenCount += value.tokens.length;
      if (value.writtenCount !== null && value.writtenCount !== leg.tokenCount) {
        throw this.#options.client.invalid('has lost or repeated a part of a stream');
      }
      const rows = value.tokens.map(this.#options.rowOf);
      if (value.usage !== null) leg.bill.settle(value.usage);
      this.#arrived.push(...rows);
      this.#end = value.end;
    } catch (error) {
      this.#leg = null;
      throw error;
    }
  }

  #open(): Leg {
    const { call, until, text } = this.#options;
    // What arrived and was not read is part of the text, too.
    const known = [...this.#text, ...this.#arrived.map(({ tokenId }) => tokenId)];
    const tokenCountMax = until.tokenCountMax - (known.length - text.length);
    const bill = call.begin(known.length);
    return { bill, tokenCount: 0, parts: this.#parts(known, { ...until, tokenCountMax }) };
  }

  async *#parts(text: readonly TokenId[], until: WriteBoundary): AsyncGenerator<ServedPart, void> {
    const { client, dialect, asking, call, signal } = this.#options;
    const options = { signal: AbortSignal.any([signal, this.#cancelled.signal]), meter: call };
    const events = client.events(dialect.streamCall(text, until, asking(text)), options);
    for await (const event of events) {
      yield client.read('an event', () => dialect.readPart(event));
    }
  }
}
