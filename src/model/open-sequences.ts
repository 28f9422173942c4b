/**
 * The open sequences of a model that is composed of other models: it counts, limits and closes them.
 */
import { PilotfishError } from '../core/errors.ts';
import type { Sequence } from './roles.ts';

export class OpenSequences {
  readonly #open = new Set<Sequence>();
  readonly #countMax: () => number;
  #isClosed = false;

  constructor(countMax: () => number) {
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#open.size;
  }

  /** The tokens of all sequences. Tokens that several share count for each. */
  get tokenCount(): number {
    return [...this.#open].reduce((sum, { length }) => sum + length, 0);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws PilotfishError `disposed`, `sequences-exhausted` */
  admit(sequence: Sequence): void {
    if (this.#isClosed) throw new PilotfishError('disposed', 'The model was closed.');
    const countMax = this.#countMax();
    if (this.#open.size >= countMax) {
      throw new PilotfishError('sequences-exhausted', `All ${countMax} sequences are in use.`);
    }
    this.#open.add(sequence);
  }

  leave(sequence: Sequence): void {
    this.#open.delete(sequence);
  }

  /** Admits no more sequences from now on. */
  close(): void {
    this.#isClosed = true;
  }
}
