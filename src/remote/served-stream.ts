/**
 * The tokens that a server writes behind one text, over as many streams as it takes: one that breaks is
 * gone on with behind the last token that arrived, so no token is lost or taken twice.
 */
import { PilotfishError } from '../core/errors.ts';
import type { RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { BoundaryWatch } from '../session/write-boundary.ts';
import type { Attempts } from './attempts.ts';
import type { AnswerEnd, ServedUsage } from './dialect.ts';
import type { Bill, MeteredCall } from './metered-call.ts';
import type { ServerClient } from './server-client.ts';

/** What arrives at once. */
export interface StreamPart {
  readonly rows: readonly RowResult[];
  readonly end: AnswerEnd;
  readonly usage: ServedUsage | null;
  /** The tokens of the stream up to this part, as the server counts them; null: it does not say. */
  readonly writtenCount: number | null;
}

export interface ServedStreamOptions {
  readonly client: ServerClient;
  readonly attempts: Attempts;
  readonly call: MeteredCall;
  /** The row of an end that the server names no token for. */
  readonly endRow: RowResult;
  /** The tokens that the server reads before it writes. */
  readonly readCount: number;
  /** Whether it can go on with an answer that has begun. */
  readonly resumes: boolean;
  /** @param written the tokens of the answer that have arrived */
  readonly open: (written: readonly TokenId[]) => AsyncGenerator<StreamPart, void>;
  /**
   * The first `count` rows of the stream that was opened behind `written`, asked for in one answer: some
   * engines leave tokens out of their streams. An end without a token has no row. Absent: a stream is
   * whole.
   */
  readonly whole?:
    | ((written: readonly TokenId[], count: number, bill: Bill) => Promise<readonly RowResult[]>)
    | undefined;
}

/** One attempt. */
interface Leg {
  readonly written: readonly TokenId[];
  readonly parts: AsyncGenerator<StreamPart, void>;
  readonly bill: Bill;
  /** The tokens that arrived. */
  readonly ids: TokenId[];
}

export class ServedStream {
  readonly #options: ServedStreamOptions;
  readonly #written: TokenId[] = [];
  /** Rows that arrived before their reader. */
  readonly #arrived: RowResult[] = [];
  #leg: Leg | null = null;
  #end: StreamPart['end'] = null;

  constructor(options: ServedStreamOptions) {
    this.#options = options;
  }

  /** The tokens that were read. */
  get written(): readonly TokenId[] {
    return this.#written;
  }

  /** The rows up to a boundary. @throws ServerFailure, PilotfishError `aborted` */
  async *until(watch: BoundaryWatch): AsyncGenerator<RowResult, void, undefined> {
    while (!watch.isReached) {
      const row = await this.next();
      watch.push(row.tokenId);
      yield row;
    }
    await this.settle();
  }

  /** @throws ServerFailure, PilotfishError `aborted` */
  async next(): Promise<RowResult> {
    const { attempts, call, endRow } = this.#options;
    while (this.#arrived.length === 0) {
      if (this.#end === 'model') return endRow;
      if (this.#end === 'limit' && !(await this.#goesOn())) return { ...endRow, isCut: true };
      const isOpen = this.#leg !== null;
      await attempts.run(() => this.#read(), call.signal, { isOpen });
    }
    const row = this.#arrived.shift() as RowResult;
    this.#written.push(row.tokenId);
    return row;
  }

  /**
   * A server may have a smaller limit than ours. Whether another call can go on behind it: not if this
   * one brought nothing, as where the context is full.
   */
  async #goesOn(): Promise<boolean> {
    if (!this.#options.resumes || (this.#leg?.ids.length ?? 0) === 0) return false;
    await this.settle();
    this.#end = null;
    return true;
  }

  /** Reads the bill of a stream that the server has ended by itself; the call's end cancels any other. */
  async settle(): Promise<void> {
    if (this.#leg === null) return;
    const { parts, bill } = this.#leg;
    try {
      for await (const { rows, end, usage } of parts) {
        bill.wrote(rows.length);
        if (usage !== null) bill.settle(usage);
        // It writes on past the boundary.
        if (rows.length > 0 && end === null) break;
      }
    } catch (error) {
      // The answer is whole; only its bill did not come.
      if (!PilotfishError.isInstance(error)) throw error;
    }
    this.#leg = null;
  }

  /** Reads up to a token or the end: parts with neither are no success that would allow more attempts. */
  async #read(): Promise<void> {
    const leg = this.#leg ?? this.#open();
    this.#leg = leg;
    try {
      while (this.#arrived.length === 0 && this.#end === null) await this.#readPart(leg);
    } catch (error) {
      this.#leg = null;
      if (leg.ids.length === 0) leg.bill.dropIfUnpaid(error);
      // What the server may still write for it is of no use.
      await leg.parts.return().catch(() => undefined);
      throw this.#mayGoOn() ? error : withoutAttempts(error);
    }
  }

  async #readPart(leg: Leg): Promise<void> {
    const { client } = this.#options;
    const { value, done } = await leg.parts.next();
    if (done === true) throw client.invalid('ends a stream without saying why');
    leg.bill.wrote(value.rows.length);
    if (value.usage !== null) leg.bill.settle(value.usage);
    if (value.end === 'broken') throw client.invalid('breaks an answer off');
    const rows = await this.#wholeRows(leg, value);
    leg.ids.push(...rows.map(({ tokenId }) => tokenId));
    this.#arrived.push(...rows);
    this.#end = value.end;
  }

  /** The rows of a part, with those that the stream has left out before them. */
  async #wholeRows(
    leg: Leg,
    { rows, writtenCount, end }: StreamPart,
  ): Promise<readonly RowResult[]> {
    const known = leg.ids.length;
    const count = writtenCount ?? known + rows.length;
    if (count === known + rows.length) return rows;
    const { whole, client, call } = this.#options;
    if (whole === undefined || count < known + rows.length) throw client.invalid(LOST);
    const bill = call.begin(this.#options.readCount + leg.written.length);
    const all = await whole(leg.written, count, bill);
    const ids = all.map(({ tokenId }) => tokenId);
    const last = rows.map(({ tokenId }) => tokenId);
    // The same seed gives the same tokens, unless the numbers of another batch differ at a near-tie.
    const isSame =
      leg.ids.every((id, index) => id === ids[index]) &&
      last.every((id, index) => id === ids[count - last.length + index]) &&
      (ids.length === count || (end === 'model' && ids.length === count - 1));
    if (!isSame) throw client.invalid(LOST);
    return all.slice(known);
  }

  #mayGoOn(): boolean {
    return this.#options.resumes || this.#written.length + this.#arrived.length === 0;
  }

  #open(): Leg {
    const { call, open, readCount } = this.#options;
    // What arrived and was not read is part of the answer, too.
    const written = [...this.#written, ...this.#arrived.map(({ tokenId }) => tokenId)];
    const bill = call.begin(readCount + written.length);
    return { written, bill, parts: open(written), ids: [] };
  }
}

const LOST = 'has lost or repeated a part of a stream';

/** Another answer would not begin like this one. */
function withoutAttempts(error: unknown): unknown {
  if (!PilotfishError.isInstance(error)) return error;
  const { code, message, remedy, fields } = error;
  return new PilotfishError(code, message, { remedy, fields, cause: error });
}
