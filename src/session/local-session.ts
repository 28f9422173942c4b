/**
 * A session of a local model. When it is next needed, the model is fed only the tokens that it missed of
 * a text, in one forward (catch-up). Tokens that it was fed in vain are cut off then (rollback).
 *
 * Invariant: the KV cache holds exactly `#fed`, token for token. After a failure it holds the prefix of
 * it that the sequence says it kept. The native sequence is opened at the first use, with the part of
 * the prompt that the prefix cache has. It may be evicted between two uses: the next use opens another
 * sequence and feeds it the whole text again.
 *
 * The pending token (chosen, not yet fed) is the usual case of a missed token:
 * - text [a b c d], fed [a b c]: the pending token is d, and the rows after the text need the forward
 *   [d];
 * - text [a b x y], fed [a b c]: c was a rejected draft; cut to [a b], then forward [x y].
 *
 * If the cache is full, the lease is asked to reclaim cells, and the forward is tried again. A local
 * forward is the only call that a request ever repeats.
 */
import { commonLength } from '../core/common-length.ts';
import { abortError, PilotfishError } from '../core/errors.ts';
import type { WorkPurpose } from '../core/events.ts';
import { FairMutex } from '../core/fair-mutex.ts';
import { invariant, required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import { seedOfDraw } from '../core/noise.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import { penalises } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import { untilAborted } from '../core/until-aborted.ts';
import type { CellHolder, Lease } from '../kv-cache/lease.ts';
import type { Forward, Sequence } from '../model/roles.ts';
import type { Readmission, SequenceSource } from '../model/sequence-source.ts';
import { LOCAL_CAPABILITIES, type SessionCapabilities } from './capabilities.ts';
import type { RowsRequest, Session, SessionRequest, WriteRequest } from './session.ts';
import { SessionLife } from './session-life.ts';
import { BoundaryWatch } from './write-boundary.ts';

export interface LocalSessionOptions extends SessionRequest {
  readonly modelId: ModelId;
  /** The request's cells in the model's cache. */
  readonly lease: Lease;
  /** The most rows of one forward; also the chunk of a prefill. */
  readonly rowCountMax: number;
  /** The most tokens of a text. */
  readonly contextLength: number;
  /** The source of its sequence; default: the lease. */
  readonly source?: SequenceSource | undefined;
  /**
   * Whether it is a branch, which begins with all that its session has read, and not with the prompt
   * alone.
   */
  readonly isBranch?: boolean | undefined;
}

/** The result of a turn: rows, or a readmission that must be awaited first. */
type Turn = { readonly rows: readonly RowResult[] } | Readmission;

/**
 * The number of times that one call is tried again after its cache was full and cells were reclaimed.
 */
export const KV_FULL_ATTEMPTS_MAX = 64;
/** Callers that may wait for a turn: rows, an eviction, and branches that fork. */
const TURNS_WAITING_MAX = 256;

export class LocalSession implements Session, CellHolder {
  readonly capabilities: SessionCapabilities = LOCAL_CAPABILITIES;
  readonly #options: LocalSessionOptions;
  readonly #source: SequenceSource;
  /** Makes an eviction wait for the forward in flight. */
  readonly #turns = new FairMutex({ name: 'a sequence', waitingCountMax: TURNS_WAITING_MAX });
  readonly #life: SessionLife;
  #sequence: Sequence | null = null;
  #fed: TokenId[] = [];
  /** The rows that the prefix cache spared, until they are recorded. Only the first opening counts. */
  #reusedRowCount: number | null = null;
  #isInDoubt = false;
  #closing: Promise<void> | null = null;

  constructor(options: LocalSessionOptions) {
    this.#options = options;
    this.#source = options.source ?? options.lease.source(options.modelId);
    this.#life = new SessionLife(options.signal);
    options.lease.add(this);
  }

  get modelId(): ModelId {
    return this.#options.modelId;
  }

  /** Tokens in the KV cache. */
  get length(): number {
    return this.#fed.length;
  }

  unreadLength(text: readonly TokenId[]): number {
    const { promptLength, isBranch = false } = this.#options;
    const lengthMax = (isBranch ? text.length : promptLength) - 1;
    const held =
      this.#sequence === null
        ? (this.#source.prefixLength?.(text, lengthMax) ?? 0)
        : commonLength(this.#fed, text);
    return text.length - held;
  }

  /**
   * @throws PilotfishError as `Sequence.forward`, `kv-full` where nothing can be reclaimed; the cache
   *   then holds a prefix of the text
   */
  async rows(request: RowsRequest): Promise<readonly RowResult[]> {
    this.#checkLength(request.text);
    const { signal } = this.#life;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#admittedRows(request);
      } catch (error) {
        if (!isFull(error) || attempt >= KV_FULL_ATTEMPTS_MAX) throw error;
        // Outside of the turn, because this very session may be evicted.
        if (!(await untilAborted(this.#options.lease.reclaim(this.modelId), signal))) throw error;
      }
    }
  }

  async *write(request: WriteRequest): AsyncGenerator<RowResult, void, undefined> {
    const { until, text: start, ...asked } = request;
    const watch = new BoundaryWatch(until, this.#options);
    const text = [...start];
    while (!watch.isReached) {
      const [row] = await this.rows({ ...asked, text, outputCount: 1 });
      const written = required(row, 'one output row');
      text.push(written.tokenId);
      watch.push(written.tokenId);
      yield written;
    }
  }

  fork(): LocalSession {
    return new LocalSession({ ...this.#options, source: this.branches(), isBranch: true });
  }

  /**
   * The source of the sequences of this session's branches, which begin with what it has read of their
   * texts.
   */
  branches(): SequenceSource {
    const source = this.#source;
    const heldOf = (text: readonly TokenId[], lengthMax: number): number =>
      this.#isInDoubt ? 0 : Math.min(commonLength(this.#fed, text), lengthMax);
    return {
      prefixLength: (text, lengthMax) =>
        heldOf(text, lengthMax) || (source.prefixLength?.(text, lengthMax) ?? 0),
      open: async (text, lengthMax, signal) => {
        const fork = async (): Promise<Sequence | null> => {
          const length = heldOf(text, lengthMax);
          return length > 0 ? ((await this.#sequence?.fork(length)) ?? null) : null;
        };
        const sequence = await this.#turns.exclusive(fork, signal);
        if (sequence !== null) {
          return { sequence, tokens: text.slice(0, sequence.length), isFork: true };
        }
        // As for the session itself, the cache never gives the last prompt token.
        return await source.open(text, Math.min(lengthMax, this.#options.promptLength - 1), signal);
      },
      // Only the session itself leaves its text to later requests, not a branch.
      close: ({ sequence }) => source.close({ sequence, tokens: [] }),
    };
  }

  /** Gives the cells back and forgets them. The text is fed anew when rows are next requested. */
  evict(): Promise<void> {
    return this.#turns.exclusive(() => this.#close());
  }

  /** If no call is in flight, the part of the sequence to keep is decided before the first `await`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#dispose();
    return this.#closing;
  }

  /** No reclaimed cell would make room for a text that is longer than the context. */
  #checkLength({ length }: readonly TokenId[]): void {
    const { contextLength } = this.#options;
    if (length <= contextLength) return;
    throw new PilotfishError(
      'kv-full',
      `A text of ${length} tokens exceeds the context of ${contextLength}.`,
      { remedy: 'Shorten the text or give a larger --context.', fields: { length, contextLength } },
    );
  }

  async #dispose(): Promise<void> {
    this.#life.end();
    if (this.#turns.isBusy) await this.#turns.exclusive(() => this.#close());
    else await this.#close();
    this.#options.lease.remove(this);
  }

  async #admittedRows(request: RowsRequest): Promise<readonly RowResult[]> {
    const { signal } = this.#life;
    for (;;) {
      const turn = await this.#turns.exclusive(() => this.#turn(request), signal);
      if ('rows' in turn) return turn.rows;
      // Outside of the turn, because an eviction of this session must not wait for it.
      await turn.readmission(signal);
    }
  }

  async #turn(request: RowsRequest): Promise<Turn> {
    const { signal } = this.#life;
    if (signal.aborted) throw abortError(signal);
    const { text, outputCount } = request;
    const outputFrom = text.length - outputCount;
    invariant(
      outputCount > 0 && outputFrom >= 0,
      `a text of ${text.length} has ${outputCount} rows`,
    );
    const { isBranch = false } = this.#options;
    const readmission = await this.#open(
      text,
      isBranch ? outputFrom : this.#prefillEnd(outputFrom),
    );
    return readmission ?? { rows: await this.#rows(request, outputFrom) };
  }

  async #rows(request: RowsRequest, outputFrom: number): Promise<readonly RowResult[]> {
    const { text, outputCount } = request;
    await this.#rollBack(Math.min(commonLength(this.#fed, text), outputFrom));
    const bare = this.#program(request);
    const prefillEnd = this.#prefillEnd(outputFrom);
    // One forward has room for `rowCountMax` rows. Earlier rows go first, without outputs.
    const lastFrom = Math.min(outputFrom, text.length - this.#options.rowCountMax);
    // A reward decides nothing by the first row behind the prompt, which it reads with the first step.
    const firstEnd = request.purpose === 'reward' ? Math.min(prefillEnd, lastFrom) : prefillEnd;
    await this.#feedWithoutOutputs(text, bare, firstEnd, 'prefill');
    await this.#feedWithoutOutputs(text, bare, lastFrom, 'catch-up');
    const masks = await this.#options.grammar?.masks(text, outputCount, this.#life.signal);
    const program = masks === undefined ? bare : { ...bare, masks };
    return await this.#feedWithOutputs(request, program, outputFrom);
  }

  #program(request: RowsRequest): RowProgram {
    const { text, reads, noise = 'sample', draw = 0, temperature, ...scored } = request;
    const { scoredText: seen = text, scoredTokens } = scored;
    const { vocabularySize, seed, sampling: asked } = this.#options.sampling;
    const sampling = temperature === undefined ? asked : { ...asked, temperature };
    const needsText = reads?.textLogprob === true || penalises(sampling);
    return {
      ...{ vocabularySize, sampling, seed: seedOfDraw(seed, draw), purpose: noise, ...reads },
      ...(needsText ? { text: seen } : {}),
      ...(scoredTokens === undefined ? {} : { scoredTokens }),
    };
  }

  /** Null if the sequence is open. */
  async #open(text: readonly TokenId[], lengthMax: number): Promise<Readmission | null> {
    if (this.#sequence !== null) return null;
    const opened = await this.#source.open(text, Math.max(0, lengthMax), this.#life.signal);
    if ('readmission' in opened) return opened;
    this.#sequence = opened.sequence;
    this.#fed = [...opened.tokens];
    // The rows of a fork are rows of its own request, which no cache spared.
    this.#reusedRowCount ??= opened.isFork === true ? 0 : opened.tokens.length;
    return null;
  }

  async #close(): Promise<void> {
    const sequence = this.#sequence;
    if (sequence === null) return;
    const tokens = this.#fed;
    this.#sequence = null;
    this.#fed = [];
    // After a failed forward the contents are uncertain, so none are reported.
    const known = this.#isInDoubt ? [] : tokens;
    this.#isInDoubt = false;
    await this.#source.close({ sequence, tokens: known });
  }

  /** The first feed ends before the last prompt token, so that all strategies prefill alike. */
  #prefillEnd(outputFrom: number): number {
    return Math.min(this.#options.promptLength - 1, outputFrom);
  }

  async #rollBack(length: number): Promise<void> {
    if (length >= this.#fed.length) return;
    try {
      // A cut may wait for the batch of other requests.
      await untilAborted(this.#opened().truncate(length), this.#life.signal);
    } catch (error) {
      this.#isInDoubt = true;
      throw error;
    }
    this.#fed.length = length;
  }

  async #feedWithoutOutputs(
    text: readonly TokenId[],
    program: RowProgram,
    end: number,
    purpose: WorkPurpose,
  ): Promise<void> {
    const forwards: Fed[] = [];
    try {
      while (this.length < end) {
        const chunkEnd = Math.min(end, this.length + this.#options.rowCountMax);
        const chunk = text.slice(this.length, chunkEnd);
        forwards.push(await this.#forward(chunk, chunk.length, program));
      }
    } finally {
      const reused = purpose === 'prefill' && (this.#reusedRowCount ?? 0) > 0;
      if (forwards.length > 0 || reused) this.#record(purpose, forwards);
    }
  }

  /** Feeds the rest of the text: one forward, unless more rows have outputs than fit into it. */
  async #feedWithOutputs(
    { text, purpose }: RowsRequest,
    program: RowProgram,
    outputFrom: number,
  ): Promise<readonly RowResult[]> {
    const forwards: Fed[] = [];
    try {
      while (this.length < text.length) {
        const tokens = text.slice(this.length, this.length + this.#options.rowCountMax);
        const from = Math.max(0, outputFrom - this.length);
        forwards.push(await this.#forward(tokens, from, program));
      }
    } finally {
      if (forwards.length > 0) this.#record(purpose, forwards);
    }
    return forwards.flatMap(({ rows }) => rows);
  }

  async #forward(
    tokens: readonly TokenId[],
    outputFrom: number,
    program: RowProgram,
  ): Promise<Fed> {
    const sequence = this.#opened();
    try {
      const forward = await sequence.forward({ tokens, outputFrom, program }, this.#life.signal);
      this.#fed.push(...tokens);
      return { ...forward, rowCount: tokens.length };
    } catch (error) {
      this.#fed.push(...tokens);
      this.#fed.length = Math.min(this.#fed.length, sequence.length);
      this.#isInDoubt ||= !isHarmless(error);
      throw error;
    }
  }

  #opened(): Sequence {
    invariant(this.#sequence !== null, 'the sequence is open');
    return this.#sequence;
  }

  #takeReused(): number {
    const reused = this.#reusedRowCount ?? 0;
    this.#reusedRowCount = 0;
    return reused;
  }

  #record(purpose: WorkPurpose, forwards: readonly Fed[]): void {
    const sum = (pick: (forward: Fed) => number): number =>
      forwards.reduce((total, forward) => total + pick(forward), 0);
    this.#options.recorder.record({
      model: this.modelId,
      purpose,
      rowCounts: forwards.map(({ rowCount }) => rowCount),
      outputRowCount: sum(({ rows }) => rows.length),
      reusedRowCount: this.#takeReused(),
      waitedMs: sum((forward) => forward.waitedMs),
      computeMs: sum((forward) => forward.computeMs),
      bytesUp: 0,
      bytesDown: 0,
    });
  }
}

interface Fed extends Forward {
  readonly rowCount: number;
}

function isFull(error: unknown): boolean {
  return PilotfishError.isInstance(error) && error.code === 'kv-full';
}

/** Failures after which the cache is known to hold as many tokens as its length says. */
function isHarmless(error: unknown): boolean {
  return isFull(error) || (PilotfishError.isInstance(error) && error.code === 'aborted');
}
