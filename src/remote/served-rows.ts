/**
 * Rows of a model that takes token ids on a server: what is asked, where the token is drawn, and how a row
 * keeps to a grammar.
 */
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import { seedOfDraw } from '../core/noise.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import { GREEDY, penalises, type SamplingParams } from '../core/sampling-params.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import type { RowsRequest, SessionRequest } from '../session/session.ts';
import type { Asking, ServedToken } from './dialect.ts';
import { drawFromTop, isDecidedByTop } from './draw-from-top.ts';
import type { MeteredCall } from './metered-call.ts';
import { subtracts, withPenaltiesAsBiases } from './penalties-as-biases.ts';
import type { ServedHome } from './served-home.ts';
import { servedDraw } from './session-calls.ts';
import { needsWholeMask, tokenLimit } from './token-limit.ts';
import { allowedOf, allows, likeliest, splitByMask, type TokenMask } from './token-mask.ts';

export type Drawing = Pick<RowsRequest, 'reads' | 'draw' | 'temperature' | 'noise'>;

/** A text whose next token is asked for. */
export interface AskedRow {
  readonly text: readonly TokenId[];
  /** Null: any token. */
  readonly mask: TokenMask | null;
}

export interface MaskedRow extends AskedRow {
  readonly mask: TokenMask;
}

interface ServedRow {
  readonly row: RowResult;
  /** What it was made of; null: an end without a token. */
  readonly token: ServedToken | null;
}

/** The draws in place of forbidden tokens. Each forbids one more. */
const REDRAW_COUNT_MAX = 64;

export class ServedRows {
  readonly #model: ServedHome;
  readonly #request: Pick<SessionRequest, 'sampling' | 'grammar'>;
  readonly #signal: AbortSignal;

  constructor(
    model: ServedHome,
    request: Pick<SessionRequest, 'sampling' | 'grammar'>,
    signal: AbortSignal,
  ) {
    this.#model = model;
    this.#request = request;
    this.#signal = signal;
  }

  /** The last `outputCount` rows of a text. */
  async of(text: readonly TokenId[], outputCount: number): Promise<readonly AskedRow[]> {
    const masks = await this.#request.grammar?.masks(text, outputCount, this.#signal);
    return Array.from({ length: outputCount }, (_, row) => {
      const before = text.slice(0, text.length - outputCount + 1 + row);
      return { text: before, mask: masks?.get(before.length) ?? null };
    });
  }

  /** Whether several rows may be one call. One seed would correlate draws of the server. */
  mayShareCalls(drawing: Drawing): boolean {
    const isFree = this.#isGreedy(drawing) || this.#isDrawnHere(drawing);
    return isFree && !this.#hasOwnBiases(drawing);
  }

  /** Whether every token of a text needs a call of its own. */
  needsRows(drawing: Drawing): boolean {
    return this.#hasOwnBiases(drawing) || this.#needsWholeMask(drawing);
  }

  /** In one call, and one more for each row that it does not decide. */
  async ask(
    call: MeteredCall,
    asked: readonly AskedRow[],
    drawing: Drawing,
  ): Promise<readonly RowResult[]> {
    const last = required(asked.at(-1), 'a row').text;
    const own = this.asking(last, drawing);
    const texts = asked.map(({ text }) => text);
    const decide = async (
      asking: Asking,
      by: 'draws' | 'choices',
    ): Promise<readonly RowResult[]> => {
      const served = await this.#served(call, texts, asking, drawing);
      const rows = served.map((row, index) => {
        const of = required(asked[index], 'a row for every text');
        return by === 'draws'
          ? this.#drawn(call, row, of, drawing)
          : this.#kept(call, row, of, drawing);
      });
      return await call.all(rows);
    };
    if (this.#isDrawnHere(drawing)) {
      const count = this.#isMasked() ? this.#topCountMax() : own.sampling.topK;
      const topCount = Math.max(own.topCount ?? 0, count);
      return await decide({ ...own, topCount, sampling: GREEDY, seed: null }, 'draws');
    }
    if (this.#needsWholeMask(drawing)) {
      return await call.all(asked.map((row) => this.#drawnThere(call, row, drawing)));
    }
    if (!this.#isDecidedByLikeliest(drawing)) return await decide(own, 'choices');
    const topCount = Math.max(own.topCount ?? 0, this.#topCountMax());
    return await decide(topCount === 0 ? own : { ...own, topCount }, 'choices');
  }

  /** The row behind a text if its grammar forbids the token; null if the token is allowed. */
  async forbidding(text: readonly TokenId[], id: TokenId): Promise<MaskedRow | null> {
    if (!this.#isMasked()) return null;
    const [row] = await this.of(text, 1);
    const mask = row?.mask ?? null;
    return mask === null || allows(mask, id) ? null : { text, mask };
  }

  /** @param attempt the number of the draw at one place */
  asking(text: readonly TokenId[], drawing: Drawing, attempt = 0): Asking {
    const drawn = servedDraw(this.#request, drawing, { position: text.length, attempt });
    const { sampling: given } = drawn;
    const sampling = this.#hasOwnBiases(drawing) ? withPenaltiesAsBiases(given, text) : given;
    const topCount = topCountOf(drawing.reads);
    return { ...drawn, model: this.#model.servedName, sampling, topCount };
  }

  /** @param served null: an end without a token */
  row(served: ServedToken | null, drawing: Drawing = {}): RowResult {
    if (served === null) return { ...NOTHING_READ, tokenId: this.#model.endToken };
    const { vocabularySize } = this.#request.sampling;
    if (served.tokenId >= vocabularySize) {
      throw this.#model.client.invalid(
        `writes the token ${served.tokenId}, and the small model has ${vocabularySize} tokens`,
      );
    }
    const { logprob = false, topLogprobs = 0 } = drawing.reads ?? {};
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

  /** A greedy row has all mass on its token; other rows of streams have no distribution. */
  withDistribution(row: RowResult, drawing: Drawing): RowResult {
    const { reads = {} } = drawing;
    if (reads.distribution !== true || !this.#isGreedy(drawing)) return row;
    const distribution = new Float64Array(this.#request.sampling.vocabularySize);
    distribution[row.tokenId] = 1;
    return { ...row, distribution };
  }

  async #served(
    call: MeteredCall,
    texts: readonly (readonly TokenId[])[],
    asking: Asking,
    drawing: Drawing,
  ): Promise<readonly ServedRow[]> {
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
      return tokens.map((token) => ({ row: this.row(token, drawing), token }));
    }, call.signal);
  }

  /** The row itself if its token is allowed, else the likeliest allowed token, or another draw. */
  async #kept(
    call: MeteredCall,
    { row, token }: ServedRow,
    { text, mask }: AskedRow,
    drawing: Drawing,
  ): Promise<RowResult> {
    if (mask === null || allows(mask, row.tokenId)) return this.withDistribution(row, drawing);
    const top = token?.top ?? new Map<number, number>();
    const best = this.#isDecidedByLikeliest(drawing) ? likeliest(allowedOf(top, mask)) : null;
    if (best === null) return await this.redrawn(call, { text, mask }, drawing, [row.tokenId]);
    const logprob = drawing.reads?.logprob === true ? (top.get(best) ?? null) : null;
    return this.withDistribution({ ...row, tokenId: tokenId(best), logprob }, drawing);
  }

  /**
   * A row that the server draws from the allowed tokens. What it may draw is limited as far as it takes
   * limits, and a forbidden token is drawn again without it.
   * @throws PilotfishError `capability-missing` if it takes too few
   */
  async redrawn(
    call: MeteredCall,
    { text, mask }: MaskedRow,
    drawing: Drawing,
    forbidden: readonly TokenId[],
  ): Promise<RowResult> {
    const { vocabularySize } = this.#request.sampling;
    const drawn = new Set<number>(forbidden);
    for (let attempt = 1; attempt <= REDRAW_COUNT_MAX; attempt += 1) {
      const asking = this.asking(text, drawing, attempt);
      const { sampling } = asking;
      const limits = this.#model.dialect.maskLimits(sampling);
      const limit = tokenLimit({ mask, vocabularySize, sampling, limits, drawn });
      if (limit === null) break;
      const [served] = await this.#served(call, [text], { ...asking, limit }, drawing);
      const { row } = required(served, 'one row');
      if (allows(mask, row.tokenId)) return this.withDistribution(row, drawing);
      if ('only' in limit || limit.never.includes(row.tokenId)) {
        throw this.#model.client.invalid(`writes the token ${row.tokenId}, which a call forbids`);
      }
      drawn.add(row.tokenId);
    }
    throw new PilotfishError(
      'capability-missing',
      `${this.#model.servedName} does not keep to the grammar: it takes too few forbidden tokens.`,
      { remedy: 'Ask greedily, or without top-k, top-p and min-p, or give an easier grammar.' },
    );
  }

  /**
   * A row that the server draws, because it does not say what is likely: llama-server does not where its
   * own choice ends within a character. The distribution is the same, and the noise is not shared.
   * @throws PilotfishError `capability-missing` if the whole distribution is wanted
   */
  async #drawnThere(
    call: MeteredCall,
    { text, mask }: AskedRow,
    drawing: Drawing,
  ): Promise<RowResult> {
    if (drawing.reads?.distribution === true) {
      throw new PilotfishError(
        'capability-missing',
        `${this.#model.servedName} gives no log-probabilities at a character of several tokens.`,
        { remedy: 'Ask greedily, or use a strategy that needs no whole distributions.' },
      );
    }
    if (mask !== null) return await this.redrawn(call, { text, mask }, drawing, []);
    const [served] = await this.#served(call, [text], this.asking(text, drawing), drawing);
    return required(served, 'one row').row;
  }

  /** A row whose token is drawn here, with the noise that all models of the request share. */
  async #drawn(
    call: MeteredCall,
    { row, token }: ServedRow,
    { text, mask }: AskedRow,
    drawing: Drawing,
  ): Promise<RowResult> {
    const { reads = {}, draw = 0, noise: purpose = 'sample' } = drawing;
    const { vocabularySize, seed } = this.#request.sampling;
    const sampling = this.#sampling(drawing);
    const given = token?.top ?? new Map<number, number>();
    const top = mask === null ? given : allowedOf(given, mask);
    if (given.size === 0 || (mask !== null && !this.#hasEnough(top, mask, sampling))) {
      return await this.#drawnThere(call, { text, mask }, drawing);
    }
    const asks = { vocabularySize, sampling, seed: seedOfDraw(seed, draw), purpose };
    const program = { ...asks, distribution: reads.distribution === true };
    const drawn = drawFromTop({ top }, program, text.length);
    const logprob = row.logprob === null ? null : (top.get(drawn.tokenId) ?? null);
    return { ...row, ...drawn, logprob };
  }

  /** Whether the largest log-probabilities of allowed tokens are as many as top-k keeps. */
  #hasEnough(
    top: ReadonlyMap<number, number>,
    mask: TokenMask,
    { topK }: Pick<SamplingParams, 'topK'>,
  ): boolean {
    if (top.size >= topK) return true;
    const { allowed } = splitByMask(mask, this.#request.sampling.vocabularySize);
    return top.size === allowed.length;
  }

  #sampling({ temperature }: Drawing): SamplingParams {
    const { sampling } = this.#request.sampling;
    return temperature === undefined ? sampling : { ...sampling, temperature };
  }

  #isGreedy(drawing: Drawing): boolean {
    return this.#sampling(drawing).temperature === 0;
  }

  #isMasked(): boolean {
    return this.#request.grammar !== undefined;
  }

  #needsWholeMask(drawing: Drawing): boolean {
    return this.#isMasked() && needsWholeMask(this.#sampling(drawing));
  }

  #topCountMax(): number {
    return this.#model.capabilities.reads.topLogprobs ?? 0;
  }

  /** Whether the server only says what is likely, and the draw is made here. */
  #isDrawnHere(drawing: Drawing): boolean {
    return isDecidedByTop(this.#sampling(drawing), this.#topCountMax());
  }

  /** Whether the largest log-probability of an allowed token decides a row under a grammar. */
  #isDecidedByLikeliest(drawing: Drawing): boolean {
    const sampling = this.#sampling(drawing);
    const isPlain = Object.keys(sampling.logitBias).length === 0 && !penalises(sampling);
    return this.#isMasked() && sampling.temperature === 0 && isPlain;
  }

  /** Whether the penalties are biases, which differ from row to row. */
  #hasOwnBiases(drawing: Drawing): boolean {
    return !this.#model.dialect.countsTokens && subtracts(this.#sampling(drawing));
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
