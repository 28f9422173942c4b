/**
 * The order of arrival for the rows of a batch. A prompt comes as several forwards, each requested
 * after the previous one has run. If each forward queued up anew, simultaneous prompts would take
 * turns and all end late. The continuation of a forward without outputs therefore keeps its place,
 * and the first prompt to arrive is the first to be read. Pure bookkeeping.
 */

/** A part of a sequence that is to be evaluated. */
interface Span {
  readonly sequence: number;
  /** The position of its first token. */
  readonly position: number;
}

export interface Place {
  /** A smaller number is an earlier place. */
  readonly number: number;
  readonly isKept: boolean;
}

export class ArrivalOrder {
  #next = 0;
  /**
   * The position at which a sequence's unfinished text continues, and its place; at most one per
   * sequence.
   */
  readonly #unfinished = new Map<number, { readonly position: number; readonly place: number }>();

  /** A new place, or the place of the text that this span continues. */
  placeOf({ sequence, position }: Span): Place {
    const before = this.#unfinished.get(sequence);
    this.#unfinished.delete(sequence);
    if (before?.position === position) return { number: before.place, isKept: true };
    this.#next += 1;
    return { number: this.#next, isKept: false };
  }

  /** A span without outputs has run up to `end`: a request waits for its continuation. */
  keep(sequence: number, end: number, place: number): void {
    this.#unfinished.set(sequence, { position: end, place });
  }
}
