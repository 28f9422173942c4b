/**
 * Sequences of a model that are not in use, with the tokens that they have read. The next strategy
 * asks the same questions: a new text gets the idle sequence with the longest common beginning, and
 * reads only the rest. On two CPU cores a prompt costs as much as fifty tokens.
 */

import { commonLength } from '../../core/common-length.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { LanguageModel, Sequence } from '../roles.ts';

export interface ReadSequence {
  readonly sequence: Sequence;
  readonly read: TokenId[];
}

export class IdleSequences {
  readonly #model: LanguageModel;
  #idle: ReadSequence[] = [];
  /** Settles when all sequences taken out for closing are closed. */
  #closing: Promise<void> = Promise.resolve();
  #closedCount = 0;

  constructor(model: LanguageModel) {
    this.#model = model;
  }

  /**
   * Takes an idle sequence before it opens another one, however short their common beginning. So
   * there are never more sequences than were in use at once.
   * @throws PilotfishError `sequences-exhausted`, `disposed`
   */
  take(text: readonly TokenId[]): ReadSequence {
    const shared = this.#idle.map(({ read }) => commonLength(read, text));
    const best = shared.indexOf(Math.max(...shared));
    const [taken] = best < 0 ? [] : this.#idle.splice(best, 1);
    return taken ?? { sequence: this.#model.openSequence(), read: [] };
  }

  give(sequence: ReadSequence): void {
    this.#idle.push(sequence);
  }

  /**
   * The count of sequences closed so far. A caller that found the cache full may find room where it
   * grew.
   */
  get closedCount(): number {
    return this.#closedCount;
  }

  /** Closes all idle sequences, and waits for those that another caller is closing. */
  async clear(): Promise<void> {
    const idle = this.#idle;
    this.#idle = [];
    const before = this.#closing;
    const closing = this.#closeAll(idle);
    this.#closing = Promise.allSettled([before, closing]).then(() => undefined);
    await before;
    await closing;
  }

  async #closeAll(idle: readonly ReadSequence[]): Promise<void> {
    for (const { sequence } of idle) {
      await sequence[Symbol.asyncDispose]();
      this.#closedCount += 1;
    }
  }
}
