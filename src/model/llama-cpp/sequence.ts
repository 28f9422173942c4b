/** A slot of a context. Checks arguments that llama.cpp would answer by aborting the process. */

import { PilotfishError } from '../../core/errors.ts';
import { invariant } from '../../core/invariant.ts';
import type { RowResult } from '../../core/row-program.ts';
import { runRowProgram } from '../../sampling/run-row-program.ts';
import type { Forward, ForwardRequest, Sequence } from '../roles.ts';
import type { NativeContext, NativeOutputs } from './native-context.ts';

/** What a sequence needs of its model. */
export interface SequenceHome {
  readonly context: NativeContext;
  readonly contextLength: number;
  readonly rowCountMax: number;
  readonly vocabularySize: number;
  open(): LlamaCppSequence;
  /** Gives the slot back. */
  close(slot: number): Promise<void>;
}

export class LlamaCppSequence implements Sequence {
  readonly slot: number;
  readonly #home: SequenceHome;
  #length = 0;
  #closed = false;

  constructor(home: SequenceHome, slot: number) {
    this.#home = home;
    this.slot = slot;
  }

  get length(): number {
    return this.#length;
  }

  async forward(request: ForwardRequest, signal?: AbortSignal): Promise<Forward> {
    this.#checkRows(request);
    const { context } = this.#home;
    const position = this.#length;
    const hidden = request.hidden === true;
    const native = { ...request, position, sequence: this.slot, hidden };
    const started = performance.now();
    try {
      const { value, computeMs } = await context.forward(
        native,
        (outputs) => readRows(outputs, request, position),
        signal,
      );
      this.#length = position + request.tokens.length;
      const waitedMs = Math.max(0, performance.now() - started - computeMs);
      return { rows: value, computeMs, waitedMs };
    } catch (error) {
      // An aborted forward keeps the part of the batch that was complete; ask how much.
      if (!this.#closed) {
        this.#length = await context.sequenceLength(this.slot).catch(() => position);
      }
      throw error;
    }
  }

  async truncate(length: number): Promise<void> {
    invariant(length >= 0 && length <= this.#length, `cannot cut ${this.#length} to ${length}`);
    if (length === this.#length) return;
    await this.#home.context.truncate(this.slot, length);
    this.#length = length;
  }

  async fork(): Promise<LlamaCppSequence> {
    const copy = this.#home.open();
    try {
      await this.#home.context.copy(this.slot, copy.slot);
    } catch (error) {
      await copy[Symbol.asyncDispose]();
      throw error;
    }
    copy.#length = this.#length;
    return copy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#home.close(this.slot);
  }

  #checkRows({ tokens, outputFrom }: ForwardRequest): void {
    const { contextLength, rowCountMax, vocabularySize } = this.#home;
    invariant(!this.#closed, 'the sequence was closed');
    invariant(tokens.length > 0, 'a forward needs a row');
    invariant(tokens.length <= rowCountMax, `${tokens.length} rows exceed ${rowCountMax}`);
    invariant(outputFrom >= 0, `outputs cannot start at row ${outputFrom}`);
    for (const token of tokens) {
      invariant(token >= 0 && token < vocabularySize, `there is no token ${token}`);
    }
    if (this.#length + tokens.length <= contextLength) return;
    throw new PilotfishError(
      'kv-full',
      `${this.#length} tokens and ${tokens.length} more exceed the context of ${contextLength}.`,
      { remedy: 'Give a larger --context.', fields: { contextLength } },
    );
  }
}

function readRows(outputs: NativeOutputs, request: ForwardRequest, position: number): RowResult[] {
  const rows: RowResult[] = [];
  for (let row = request.outputFrom; row < request.tokens.length; row += 1) {
    rows.push({
      ...runRowProgram(outputs.logits(row), request.program, position + row + 1),
      hidden: request.hidden === true ? outputs.hidden(row).slice() : null,
    });
  }
  return rows;
}
