/** A slot of a context. It checks arguments on which llama.cpp would abort the process. */

import { PilotfishError } from '../../core/errors.ts';
import { invariant } from '../../core/invariant.ts';
import type { Forward, ForwardRequest, Sequence } from '../roles.ts';
import type { Executor } from './executor.ts';

/** The part of its model that a sequence needs. */
export interface SequenceHome {
  readonly executor: Executor;
  readonly contextLength: number;
  readonly rowCountMax: number;
  readonly vocabularySize: number;
  open(): LlamaCppSequence;
  /** Releases the slot. */
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
    const slot = { sequence: this.slot, position: this.#length };
    const end = await this.#home.executor.forward(slot, request, signal);
    this.#length = end.length;
    if ('error' in end) throw end.error;
    return end.forward;
  }

  async truncate(length: number): Promise<void> {
    invariant(length >= 0 && length <= this.#length, `cannot cut ${this.#length} to ${length}`);
    if (length === this.#length) return;
    await this.#home.executor.change((context) => context.truncate(this.slot, length));
    this.#length = length;
  }

  async fork(length: number = this.#length): Promise<LlamaCppSequence> {
    invariant(length >= 0 && length <= this.#length, `cannot fork ${length} of ${this.#length}`);
    const copy = this.#home.open();
    if (length === 0) return copy;
    try {
      await this.#home.executor.change((context) => context.copy(this.slot, copy.slot, length));
    } catch (error) {
      await copy[Symbol.asyncDispose]();
      throw error;
    }
    copy.#length = length;
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
