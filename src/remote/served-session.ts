/** The session of a model that takes token ids on a server: rows by batches of texts, writing by streams. */
import { PilotfishError } from '../core/errors.ts';
import { invariant, required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import { seedOfDraw } from '../core/noise.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import { GREEDY, type SamplingParams } from '../core/sampling-params.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RowsRequest, Session, SessionRequest, WriteRequest } from '../session/session.ts';
import { BoundaryWatch } from '../session/write-boundary.ts';
import type { Asking, Dialect, ServedToken } from './dialect.ts';
import { drawFromTop, isDecidedByTop } from './draw-from-top.ts';
import type { MeteredCall } from './metered-call.ts';
import { ServedStream, type ServedStreamOptions, type StreamPart } from './served-stream.ts';
import type { ServerHome } from './server-model.ts';
import { SessionCalls, servedDraw } from './session-calls.ts';

/** The part of the model that its sessions use. */
export interface ServedHome extends ServerHome {
  capabilitiesFor(sampling: SamplingParams): SessionCapabilities;
  readonly dialect: Dialect;
}

type Texts = readonly (readonly TokenId[])[];

/** Unread tokens that are worth a call of their own. */
const COLD_LENGTH = 64;

type Drawing = Pick<RowsRequest, 'reads' | 'draw' | 'temperature' | 'noise'>;

export class ServedSession implements Session {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  readonly #model: ServedHome;
  readonly #request: SessionRequest;
  readonly #calls: SessionCalls;
  /** The longest text that the server has read for this session. */
  #read: readonly TokenId[] = [];

  constructor(
    model: ServedHome,
    modelId: ModelId,
    request: SessionRequest,
    calls: SessionCalls = new SessionCalls({ modelId, request, clock: model.clock }),
  ) {
    this.modelId = modelId;
    this.capabilities = model.capabilitiesFor(request.sampling.sampling);
    this.#model = model;
    this.#request = request;
    this.#calls = calls;
  }

  async rows({ text, outputCount, purpose, ...drawing }: RowsRequest): Promise<RowResult[]> {
    invariant(outputCount <= this.capabilities.outputRowCountMax, 'more rows than it gives');
    const texts = Array.from({ length: outputCount }, (_, row) =>
      text.slice(0, text.length - outputCount + 1 + row),
    );
    const call = this.#calls.begin(purpose);
    try {
      const rows: RowResult[] = [];
      for (const batches of this.#waves(texts, drawing)) {
        const asked = batches.map((batch) => this.#ask(call, batch, drawing));
        rows.push(...(await call.all(asked)).flat());
      }
      this.#read = [...text];
      return rows;
    } finally {
      this.#calls.end(call);
    }
  }

  /** The calls that are made side by side, wave after wave. */
  #waves(texts: Texts, drawing: Drawing): readonly (readonly Texts[])[] {
    // One seed for several texts would correlate their draws on the server.
    const isOneCall = this.#isGreedy(drawing) || this.#isDrawnHere(drawing);
    const side = (some: Texts): readonly Texts[] => (isOneCall ? [some] : some.map((one) => [one]));
    const [first, ...others] = texts;
    const isCold =
      this.#model.dialect.sharesPrefixes &&
      others.length > 0 &&
      this.unreadLength(first ?? []) >= COLD_LENGTH;
    // Side by side, each of the texts would be read as a whole.
    return isCold && first !== undefined ? [[[first]], side(others)] : [side(texts)];
  }

  async *write(given: WriteRequest): AsyncGenerator<RowResult, void, undefined> {
    // The text of a request grows while it is written on.
    const request = { ...given, text: [...given.text] };
    const { until, purpose, text } = request;
    const watch = new BoundaryWatch(until, this.#request);
    const call = this.#calls.begin(purpose);
    const { client, attempts } = this.#model;
    const stream = new ServedStream({
      ...{ client, attempts, call, endRow: this.#row(null) },
      ...{ readCount: text.length, resumes: true },
      open: (written) => this.#parts(request, written, call),
      whole: this.#wholeStream(request, call),
    });
    try {
      yield* stream.until(watch);
      this.#read = [...text, ...stream.written];
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
      const asking = this.#asking(known, drawing);
      const answer = await client.send(whole.call(known, count, asking), call);
      const tokens = client.read('tokens', () => whole.read(answer));
      bill.wrote(tokens.length);
      return tokens.map((token) => this.#row(token, drawing.reads));
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
    const sent = dialect.streamCall(known, left, this.#asking(known, drawing));
    let seenCount = 0;
    for await (const event of client.events(sent, call)) {
      const part = client.read('an event', () => dialect.readPart(event));
      const freshCount = Math.max(0, (part.writtenCount ?? 0) - seenCount);
      const isRepeated = dialect.repeatsParts && freshCount < part.tokens.length;
      const tokens = isRepeated ? part.tokens.slice(part.tokens.length - freshCount) : part.tokens;
      seenCount += tokens.length;
      const rows = tokens.map((token) => this.#row(token, drawing.reads));
      yield { ...part, rows: rows.map((row) => this.#withDistribution(row, drawing)) };
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

  async #ask(call: MeteredCall, texts: Texts, drawing: Drawing): Promise<readonly RowResult[]> {
    const own = this.#asking(required(texts.at(-1), 'a text'), drawing);
    if (!this.#isDrawnHere(drawing)) {
      const served = await this.#served(call, texts, own, drawing);
      return served.map(({ row }) => this.#withDistribution(row, drawing));
    }
    const topCount = Math.max(own.topCount ?? 0, own.sampling.topK);
    const likely = { ...own, topCount, sampling: GREEDY, seed: null };
    const served = await this.#served(call, texts, likely, drawing);
    const rows = served.map(({ row, token }, index) => {
      const text = required(texts[index], 'a row for every text');
      return token === null || token.top.size === 0
        ? this.#drawnThere(call, text, drawing)
        : this.#drawn(row, token, text, drawing);
    });
    return await call.all(rows);
  }

  /** The rows of a call, and the tokens that they were made of. */
  async #served(
    call: MeteredCall,
    texts: Texts,
    asking: Asking,
    { reads }: Drawing,
  ): Promise<readonly { readonly row: RowResult; readonly token: ServedToken | null }[]> {
    const { client, attempts, dialect } = this.#model;
    const readCount = texts.reduce((sum, { length }) => sum + length, 0);
    return await attempts.run(async () => {
      const bill = call.begin(readCount, texts.length);
      const answer = await client
        .send(dialect.rowsCall(texts, asking), call)
        .catch((error: unknown) => {
          bill.dropIfUnpaid(error);
          throw error;
        });
      const { tokens, usage } = client.read('rows', () => dialect.readRows(answer, texts.length));
      bill.settle(usage ?? { readCount, cachedCount: null, writtenCount: texts.length });
      return tokens.map((token) => ({ row: this.#row(token, reads), token }));
    }, call.signal);
  }

  /**
   * A row that the server draws, because it does not say what is likely: llama-server does not where its
   * own choice ends within a character. The distribution is the same, and the noise is not shared.
   * @throws PilotfishError `capability-missing` if the whole distribution is wanted
   */
  async #drawnThere(
    call: MeteredCall,
    text: readonly TokenId[],
    drawing: Drawing,
  ): Promise<RowResult> {
    if (drawing.reads?.distribution === true) {
      throw new PilotfishError(
        'capability-missing',
        `${this.#model.servedName} gives no log-probabilities at a character of several tokens.`,
        { remedy: 'Ask greedily, or use a strategy that needs no whole distributions.' },
      );
    }
    const asking = this.#asking(text, drawing);
    const [served] = await this.#served(call, [text], asking, drawing);
    return required(served, 'one row').row;
  }

  /** A row whose token is drawn here, with the noise that all models of the request share. */
  #drawn(
    row: RowResult,
    { top }: ServedToken,
    text: readonly TokenId[],
    drawing: Drawing,
  ): RowResult {
    const { reads = {}, draw = 0, noise: purpose = 'sample' } = drawing;
    const { vocabularySize, seed } = this.#request.sampling;
    const sampling = this.#sampling(drawing);
    const asks = { vocabularySize, sampling, seed: seedOfDraw(seed, draw), purpose };
    const program = { ...asks, distribution: reads.distribution === true };
    const drawn = drawFromTop({ top }, program, text.length);
    const logprob = row.logprob === null ? null : (top.get(drawn.tokenId) ?? null);
    return { ...row, ...drawn, logprob };
  }

  /** A greedy row has all mass on its token; other rows of streams have no distribution. */
  #withDistribution(row: RowResult, drawing: Drawing): RowResult {
    const { reads = {} } = drawing;
    if (reads.distribution !== true || !this.#isGreedy(drawing)) return row;
    const distribution = new Float64Array(this.#request.sampling.vocabularySize);
    distribution[row.tokenId] = 1;
    return { ...row, distribution };
  }

  #asking(text: readonly TokenId[], drawing: Drawing): Asking {
    return {
      model: this.#model.servedName,
      ...servedDraw(this.#request, drawing, text.length),
      topCount: topCountOf(drawing.reads),
    };
  }

  #sampling({ temperature }: Drawing): SamplingParams {
    const { sampling } = this.#request.sampling;
    return temperature === undefined ? sampling : { ...sampling, temperature };
  }

  #isGreedy(drawing: Drawing): boolean {
    return this.#sampling(drawing).temperature === 0;
  }

  /** Whether the server only says what is likely, and the draw is made here. */
  #isDrawnHere(drawing: Drawing): boolean {
    const { topLogprobs = 0 } = this.capabilities.reads;
    return isDecidedByTop(this.#sampling(drawing), topLogprobs);
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
    if (logprob && served.logprob === null && !this.#model.dialect.omitsLogprobs) {
      throw this.#model.client.invalid('leaves out log-probabilities');
    }
    return {
      ...NOTHING_READ,
      tokenId: tokenId(served.tokenId),
      logprob: logprob ? served.logprob : null,
      topLogprobs: topLogprobs === 0 ? null : largest(served, topLogprobs),
    };
  }
}

function topCountOf({ logprob = false, topLogprobs = 0 }: RowReads = {}): number | null {
  return topLogprobs > 0 ? topLogprobs : logprob ? 0 : null;
}

/** [count], descending; minus infinity where the server gave fewer. */
function largest({ top }: ServedToken, count: number): Float32Array {
  const sorted = [...top.values()].sort((a, b) => b - a).slice(0, count);
  return Float32Array.from({ length: count }, (_, index) => sorted[index] ?? -Infinity);
}
