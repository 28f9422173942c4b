/**
 * Sequences of a model that nobody uses now, with what they have read. The next strategy asks about
 * the same questions: whoever needs a sequence gets the one that shares the longest beginning with
 * its text, and reads only the rest. On two CPU cores a prompt costs as much as fifty tokens.
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
  /** Settles when all that were taken out to be closed are closed. */
  #closing: Promise<void> = Promise.resolve();
  #closedCount = 0;

  constructor(model: LanguageModel) {
    this.#model = model;
  }

  /**
   * An idle one is taken before another is opened, however little it shares: so there never are more
   * than were in use at once.
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

  /** Sequences that were closed so far: whoever found the cache full may find room where it grew. */
  get closedCount(): number {
    return this.#closedCount;
  }

  /** Closes them all, and waits for those that somebody else is closing. */
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
