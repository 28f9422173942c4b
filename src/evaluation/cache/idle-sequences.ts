/**
 * Sequences of a model that nobody uses now, with what they have read. The next strategy asks about
 * the same questions: whoever needs a sequence gets the one that shares the longest beginning with
 * its text, and reads only the rest. On two CPU cores a prompt costs as much as fifty tokens.
 */
import type { TokenId } from '../../core/token-id.ts';
import { commonLength } from '../../kv-cache/common-length.ts';
import type { LanguageModel, Sequence } from '../../model/roles.ts';

export interface ReadSequence {
  readonly sequence: Sequence;
  readonly read: TokenId[];
}

export class IdleSequences {
  readonly #model: LanguageModel;
  #idle: ReadSequence[] = [];

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

  /** Closes them all. @returns whether there were any */
  async clear(): Promise<boolean> {
    const idle = this.#idle;
    this.#idle = [];
    for (const { sequence } of idle) await sequence[Symbol.asyncDispose]();
    return idle.length > 0;
  }
}
