/**
 * One model's view of a request. The request's text grows in one place; a model is fed only what it
 * missed, in one forward, when it is next needed (catch-up), and what it was fed in vain is cut off
 * then (rollback). So a strategy just asks for the rows behind a text and never does bookkeeping.
 *
 * Invariant: the KV cache holds exactly `#fed`, token for token; after a failure it is whatever
 * prefix of it the sequence says it kept. The native sequence is opened at the first use, with what
 * the prefix cache has of the prompt, and may be given up between two uses (`vacate`): the next use
 * opens another and feeds it the whole text again.
 *
 * The pending token (chosen, not yet fed) is the usual case of a missed token: after
 *   text [a b c d], fed [a b c]      the pending token is d, and the rows behind the text need the
 *                                    forward [d];
 *   text [a b x y], fed [a b c]      c was a draft that lost: cut to [a b], forward [x y].
 */

import { commonLength } from '../core/common-length.ts';
import { PilotfishError } from '../core/errors.ts';
import type { ModelRole, WorkPurpose } from '../core/events.ts';
import { FairMutex } from '../core/fair-mutex.ts';
import { invariant } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { RowMasks, RowProgram, RowResult } from '../core/row-program.ts';
import { penalises } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import { untilAborted } from '../core/until-aborted.ts';
import { withRole } from '../kv-cache/full-cache.ts';
import type { SequenceSource } from '../kv-cache/sequence-source.ts';
import type { Forward, Sequence } from '../model/roles.ts';
import type { WorkRecorder } from './work-recorder.ts';

export interface RowsRequest {
  /** Prompt, committed tokens and drafts. */
  readonly text: readonly TokenId[];
  /** How many rows at the end of the text have outputs: 1, or 1 + the number of drafts. */
  readonly outputCount: number;
  readonly program: RowProgram;
  readonly purpose: WorkPurpose;
}

export interface LocalSessionOptions {
  readonly role: ModelRole;
  /** The model's name in work events. */
  readonly modelId: ModelId;
  readonly source: SequenceSource;
  /** Tokens of the prompt: all but the last are prefilled without outputs. */
  readonly promptLength: number;
  /** Most rows of one forward; also the chunk of a prefill. */
  readonly rowCountMax: number;
  readonly recorder: WorkRecorder;
  /** What a grammar allows; absent: everything. */
  readonly grammar?: RowGrammar;
}

/** The part of a grammar that rows need. */
export interface RowGrammar {
  masks(text: readonly TokenId[], outputCount: number, signal?: AbortSignal): Promise<RowMasks>;
}

/** What came of a turn: rows, or that there is something to be waited for first. */
type Turn =
  | { readonly rows: readonly RowResult[] }
  | { readonly entrance: (signal?: AbortSignal) => Promise<void> };

export class LocalSession implements AsyncDisposable {
  readonly #options: LocalSessionOptions;
  /** Whoever takes the sequence away waits for the forward under way. */
  readonly #turns = new FairMutex({ name: 'a sequence', waitingCountMax: TURNS_WAITING_MAX });
  #sequence: Sequence | null = null;
  #fed: TokenId[] = [];
  /** What the prefix cache spared, until it is recorded; only the first opening counts. */
  #reusedRowCount: number | null = null;
  #isInDoubt = false;

  constructor(options: LocalSessionOptions) {
    this.#options = options;
  }

  get role(): ModelRole {
    return this.#options.role;
  }

  /** Tokens in the KV cache. */
  get length(): number {
    return this.#fed.length;
  }

  /** Tokens of a prompt that it would have to read now; an estimate before the first use. */
  unreadLength(prompt: readonly TokenId[]): number {
    const { source, promptLength } = this.#options;
    const held =
      this.#sequence === null
        ? (source.prefixLength?.(prompt, promptLength - 1) ?? 0)
        : commonLength(this.#fed, prompt);
    return prompt.length - held;
  }

  /**
   * The last `outputCount` rows of the text, after feeding everything before them that was missed.
   * @throws PilotfishError as `Sequence.forward`, `kv-full` with its `role`; the cache then holds a
   *   prefix of the text
   */
  async rows(request: RowsRequest, signal?: AbortSignal): Promise<readonly RowResult[]> {
    for (;;) {
      const turn = await this.#turns.exclusive(() => this.#turn(request, signal), signal);
      if ('rows' in turn) return turn.rows;
      // Outside of the turn: whoever vacates the sequence does not wait for this.
      await turn.entrance(signal);
    }
  }

  /** Gives the cells back and forgets them; the text is fed anew when rows are next asked for. */
  evict(): Promise<void> {
    return this.#turns.exclusive(() => this.#close());
  }

  async #turn(request: RowsRequest, signal: AbortSignal | undefined): Promise<Turn> {
    const { source } = this.#options;
    const entrance = this.#sequence === null ? (source.readmission?.() ?? null) : null;
    return entrance === null ? { rows: await this.#rows(request, signal) } : { entrance };
  }

  async #rows(request: RowsRequest, signal?: AbortSignal): Promise<readonly RowResult[]> {
    const { text, outputCount } = request;
    const outputFrom = text.length - outputCount;
    invariant(
      outputCount > 0 && outputFrom >= 0,
      `a text of ${text.length} has ${outputCount} rows`,
    );
    if (this.#sequence === null) await this.#open(text, this.#prefillEnd(outputFrom), signal);
    await this.#rollBack(Math.min(commonLength(this.#fed, text), outputFrom), signal);
    await this.#feedWithoutOutputs(request, this.#prefillEnd(outputFrom), 'prefill', signal);
    // One forward has room for `rowCountMax` rows; earlier ones go first, without outputs.
    const lastFrom = Math.min(outputFrom, text.length - this.#options.rowCountMax);
    await this.#feedWithoutOutputs(request, lastFrom, 'catch-up', signal);
    const masks = await this.#options.grammar?.masks(text, outputCount, signal);
    const program = masks === undefined ? request.program : { ...request.program, masks };
    return await this.#feedWithOutputs({ ...request, program }, outputFrom, signal);
  }

  /** No rows may be on their way. What is kept of it is decided before the first `await`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #open(
    text: readonly TokenId[],
    lengthMax: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { source } = this.#options;
    const { sequence, tokens } = await source.open(text, Math.max(0, lengthMax), signal);
    this.#sequence = sequence;
    this.#fed = [...tokens];
    this.#reusedRowCount ??= tokens.length;
  }

  async #close(): Promise<void> {
    const sequence = this.#sequence;
    if (sequence === null) return;
    const tokens = this.#fed;
    this.#sequence = null;
    this.#fed = [];
    // What a failed forward left behind is not worth a risk: nothing is said to be in it.
    const known = this.#isInDoubt ? [] : tokens;
    this.#isInDoubt = false;
    await this.#options.source.close({ sequence, tokens: known });
  }

  /** The first feed ends before the last prompt token, so that all strategies prefill alike. */
  #prefillEnd(outputFrom: number): number {
    return Math.min(this.#options.promptLength - 1, outputFrom);
  }

  async #rollBack(length: number, signal: AbortSignal | undefined): Promise<void> {
    if (length >= this.#fed.length) return;
    try {
      // A cut may wait for the batch of others.
      await untilAborted(this.#opened().truncate(length), signal);
    } catch (error) {
      this.#isInDoubt = true;
      throw error;
    }
    this.#fed.length = length;
  }

  async #feedWithoutOutputs(
    request: RowsRequest,
    end: number,
    purpose: WorkPurpose,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const rowCounts: number[] = [];
    const forwards: Forward[] = [];
    try {
      while (this.length < end) {
        const chunkEnd = Math.min(end, this.length + this.#options.rowCountMax);
        const chunk = request.text.slice(this.length, chunkEnd);
        forwards.push(await this.#forward(request, chunk, chunk.length, signal));
        rowCounts.push(chunk.length);
      }
    } finally {
      const reused = purpose === 'prefill' && (this.#reusedRowCount ?? 0) > 0;
      if (forwards.length > 0 || reused) this.#record(purpose, rowCounts, 0, forwards);
    }
  }

  /** What is left of the text: one forward, unless more rows than it has room for have outputs. */
  async #feedWithOutputs(
    request: RowsRequest,
    outputFrom: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly RowResult[]> {
    const { text, purpose } = request;
    const rowCounts: number[] = [];
    const forwards: Forward[] = [];
    while (this.length < text.length) {
      const tokens = text.slice(this.length, this.length + this.#options.rowCountMax);
      const from = Math.max(0, outputFrom - this.length);
      forwards.push(await this.#forward(request, tokens, from, signal));
      rowCounts.push(tokens.length);
    }
    this.#record(purpose, rowCounts, text.length - outputFrom, forwards);
    return forwards.flatMap(({ rows }) => rows);
  }

  async #forward(
    request: RowsRequest,
    tokens: readonly TokenId[],
    outputFrom: number,
    signal: AbortSignal | undefined,
  ): Promise<Forward> {
    const sequence = this.#opened();
    const { text } = request;
    const needsText = penalises(request.program.sampling) && request.program.text === undefined;
    const program = needsText ? { ...request.program, text } : request.program;
    try {
      const forward = await sequence.forward({ tokens, outputFrom, program }, signal);
      this.#fed.push(...tokens);
      return forward;
    } catch (error) {
      this.#fed.push(...tokens);
      this.#fed.length = Math.min(this.#fed.length, sequence.length);
      this.#isInDoubt ||= !isHarmless(error);
      throw withRole(error, this.role);
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

  #record(
    purpose: WorkPurpose,
    rowCounts: readonly number[],
    outputRowCount: number,
    forwards: readonly Forward[],
  ): void {
    const sum = (pick: (forward: Forward) => number): number =>
      forwards.reduce((total, forward) => total + pick(forward), 0);
    this.#options.recorder.record({
      model: this.#options.modelId,
      purpose,
      rowCounts,
      outputRowCount,
      reusedRowCount: purpose === 'prefill' ? this.#takeReused() : 0,
      waitedMs: sum((forward) => forward.waitedMs),
      computeMs: sum((forward) => forward.computeMs),
      bytesUp: 0,
      bytesDown: 0,
    });
  }
}

/** Rows and one taking away at most. */
const TURNS_WAITING_MAX = 16;

/** Failures after which the cache is known to hold what its length says. */
function isHarmless(error: unknown): boolean {
  return PilotfishError.isInstance(error) && (error.code === 'aborted' || error.code === 'kv-full');
}
