/**
 * One model's view of a request. The request's text grows in one place; a model is fed only what it
 * missed, in one forward, when it is next needed (catch-up), and what it was fed in vain is cut off
 * then (rollback). So a strategy just asks for the rows behind a text and never does bookkeeping.
 *
 * Invariant: the KV cache holds exactly `#fed`, token for token; after a failure it is whatever
 * prefix of it the sequence says it kept.
 *
 * The pending token (chosen, not yet fed) is the usual case of a missed token: after
 *   text [a b c d], fed [a b c]      the pending token is d, and the rows behind the text need the
 *                                    forward [d];
 *   text [a b x y], fed [a b c]      c was a draft that lost: cut to [a b], forward [x y].
 */
import type { ModelRole, WorkPurpose } from '../core/events.ts';
import { invariant } from '../core/invariant.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import { penalises } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Forward, Sequence } from '../model/roles.ts';
import type { WorkRecorder } from './work-recorder.ts';

export interface RowsRequest {
  /** Prompt, committed tokens and drafts. */
  readonly text: readonly TokenId[];
  /** How many rows at the end of the text have outputs: 1, or 1 + the number of drafts. */
  readonly outputCount: number;
  readonly program: RowProgram;
  readonly purpose: WorkPurpose;
  readonly hidden?: boolean;
}

export interface LazySequenceOptions {
  readonly role: ModelRole;
  readonly sequence: Sequence;
  /** Tokens of the prompt: all but the last are prefilled without outputs. */
  readonly promptLength: number;
  /** Most rows of one forward; also the chunk of a prefill. */
  readonly rowCountMax: number;
  readonly recorder: WorkRecorder;
}

export class LazySequence implements AsyncDisposable {
  readonly #options: LazySequenceOptions;
  #fed: TokenId[] = [];

  constructor(options: LazySequenceOptions) {
    this.#options = options;
  }

  /** Tokens in the KV cache. */
  get length(): number {
    return this.#fed.length;
  }

  /**
   * The last `outputCount` rows of the text, after feeding everything before them that was missed.
   * @throws PilotfishError as `Sequence.forward`; the cache then holds a prefix of the text
   */
  async rows(request: RowsRequest, signal?: AbortSignal): Promise<readonly RowResult[]> {
    const { text, outputCount } = request;
    const outputFrom = text.length - outputCount;
    invariant(
      outputCount > 0 && outputFrom >= 0,
      `a text of ${text.length} has ${outputCount} rows`,
    );
    await this.#rollBack(Math.min(commonLength(this.#fed, text), outputFrom));
    await this.#feedWithoutOutputs(request, this.#prefillEnd(outputFrom), 'prefill', signal);
    // One forward has room for `rowCountMax` rows; earlier ones go first, without outputs.
    const lastFrom = Math.min(outputFrom, text.length - this.#options.rowCountMax);
    await this.#feedWithoutOutputs(request, lastFrom, 'catch-up', signal);
    return await this.#feedWithOutputs(request, outputFrom, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fed = [];
    await this.#options.sequence[Symbol.asyncDispose]();
  }

  /** The first feed ends before the last prompt token, so that all strategies prefill alike. */
  #prefillEnd(outputFrom: number): number {
    return Math.min(this.#options.promptLength - 1, outputFrom);
  }

  async #rollBack(length: number): Promise<void> {
    if (length >= this.#fed.length) return;
    await this.#options.sequence.truncate(length);
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
      if (forwards.length > 0) this.#record(purpose, rowCounts, 0, forwards);
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
    const { sequence } = this.#options;
    const { hidden, text } = request;
    const program = penalises(request.program.sampling)
      ? { ...request.program, text }
      : request.program;
    const wantsHidden = hidden === true && outputFrom < tokens.length;
    try {
      const forward = await sequence.forward(
        { tokens, outputFrom, program, hidden: wantsHidden },
        signal,
      );
      this.#fed.push(...tokens);
      return forward;
    } catch (error) {
      this.#fed.push(...tokens);
      this.#fed.length = Math.min(this.#fed.length, sequence.length);
      throw error;
    }
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
      model: this.#options.role,
      purpose,
      rowCounts,
      outputRowCount,
      waitedMs: sum((forward) => forward.waitedMs),
      computeMs: sum((forward) => forward.computeMs),
      bytesUp: 0,
      bytesDown: 0,
    });
  }
}

function commonLength(a: readonly TokenId[], b: readonly TokenId[]): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length += 1;
  return length;
}
