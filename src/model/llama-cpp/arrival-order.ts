/**
 * Places in line for the rows of a batch. A prompt comes as several forwards, each asked for when the
 * one before has run. Were each to queue up anew, prompts that came together would take turns and all
 * end late; so what follows a forward without outputs keeps its place, and the first prompt to come
 * is the first to be read. Pure bookkeeping.
 */

/** A part of a sequence that is to be evaluated. */
interface Span {
  readonly sequence: number;
  /** Of its first token. */
  readonly position: number;
}

export interface Place {
  /** The smaller, the earlier. */
  readonly number: number;
  readonly isKept: boolean;
}

export class ArrivalOrder {
  #next = 0;
  /** Where a sequence's unfinished text goes on, and its place; one at most per sequence. */
  readonly #unfinished = new Map<number, { readonly position: number; readonly place: number }>();

  /** A new place, or that of the text which this continues. */
  placeOf({ sequence, position }: Span): Place {
    const before = this.#unfinished.get(sequence);
    this.#unfinished.delete(sequence);
    if (before?.position === position) return { number: before.place, isKept: true };
    this.#next += 1;
    return { number: this.#next, isKept: false };
  }

  /** A span without outputs has run up to `end`: somebody waits for what comes behind it. */
  keep(sequence: number, end: number, place: number): void {
    this.#unfinished.set(sequence, { position: end, place });
  }
}
