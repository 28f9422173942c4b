/** A forward on its way through one or more batches. */
import type { RowProgram, RowResult } from '../../core/row-program.ts';
import { runRowProgram } from '../../sampling/run-row-program.ts';
import type { Forward, ForwardRequest } from '../roles.ts';
import type { Place } from './arrival-order.ts';
import type { BatchRows } from './batch.ts';
import type { Waiting } from './batch-plan.ts';
import type { NativeOutputs } from './native-context.ts';

/** The outcome of a forward, and the number of tokens that its sequence then holds. */
export type ForwardEnd =
  | { readonly length: number; readonly forward: Forward }
  | { readonly length: number; readonly error: unknown };

export class QueuedForward implements Waiting {
  readonly sequence: number;
  /** The place in line: a smaller number is earlier. */
  readonly place: number;
  readonly hidden: boolean;
  readonly endsPrompt: boolean;
  readonly continuesPrompt: boolean;
  wasPassedBy = false;
  computeMs = 0;
  /** The number of its batches that were stopped because of another forward. */
  interruptionCount = 0;
  readonly #start: number;
  readonly #tokens: readonly number[];
  readonly #outputFrom: number;
  readonly #program: RowProgram;
  readonly #settle: (end: ForwardEnd) => void;
  readonly #queuedMs = performance.now();
  readonly #rows: RowResult[] = [];
  #done = 0;
  #hasFailed = false;

  constructor(
    { sequence, position, place }: { sequence: number; position: number; place: Place },
    request: ForwardRequest,
    settle: (end: ForwardEnd) => void,
  ) {
    this.sequence = sequence;
    this.place = place.number;
    this.hidden = request.program.hidden === true && request.outputFrom < request.tokens.length;
    this.#start = position;
    this.#tokens = request.tokens;
    this.#outputFrom = request.outputFrom;
    this.#program = request.program;
    this.#settle = settle;
    this.endsPrompt = place.isKept && this.hasOutputs;
    this.continuesPrompt = place.isKept && !this.hasOutputs;
  }

  /** Its request has its error, and its rows under way no longer count. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  get hasOutputs(): boolean {
    return this.#outputFrom < this.#tokens.length;
  }

  get rowsLeft(): number {
    return this.#tokens.length - this.#done;
  }

  /** The position of its next row in its sequence. */
  get position(): number {
    return this.#start + this.#done;
  }

  /** The next rows, as a part of a batch. */
  rows(count: number): BatchRows {
    return {
      tokens: this.#tokens.slice(this.#done, this.#done + count),
      position: this.position,
      sequence: this.sequence,
      outputFrom: Math.min(count, Math.max(0, this.#outputFrom - this.#done)),
    };
  }

  /** Reads the values that it wants of its next row, which is row `batchRow` of the batch. */
  read(outputs: NativeOutputs, batchRow: number): void {
    const index = this.#done;
    this.#done += 1;
    if (index < this.#outputFrom) return;
    const position = this.#start + index + 1;
    this.#rows.push({
      ...runRowProgram(outputs.logits(batchRow), this.#program, position),
      hidden: this.hidden ? outputs.hidden(batchRow).slice() : null,
    });
  }

  finish(): void {
    const waitedMs = Math.max(0, performance.now() - this.#queuedMs - this.computeMs);
    const forward = { rows: this.#rows, computeMs: this.computeMs, waitedMs };
    this.#settle({ length: this.position, forward });
  }

  /** @param length the number of tokens that the sequence holds after the batch under way */
  fail(error: unknown, length: number = this.position): void {
    this.#hasFailed = true;
    this.#settle({ length, error });
  }
}
