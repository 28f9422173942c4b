/**
 * Watches a text stream for stop strings. Text that may begin a stop string is held back until that
 * is decided. The stop string itself is never released.
 */

/** The limits on a request's stop strings: their number, and their length in characters. */
export const STOP_STRING_COUNT_MAX = 16;
export const STOP_STRING_LENGTH_MAX = 256;

export interface StopMatch {
  /** Text that is certain not to belong to a stop string. */
  readonly released: string;
  /** The stop string that ended the stream, if one did. */
  readonly matched: string | null;
}

export class StopMatcher {
  readonly #stops: readonly string[];
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  get isHolding(): boolean {
    return this.#held !== '';
  }

  push(text: string): StopMatch {
    this.#held += text;
    const match = this.#firstMatch();
    if (match !== null) {
      const released = this.#held.slice(0, match.at);
      this.#held = '';
      return { released, matched: match.stop };
    }
    const keep = this.#possibleStart();
    const released = this.#held.slice(0, this.#held.length - keep);
    this.#held = this.#held.slice(this.#held.length - keep);
    return { released, matched: null };
  }

  /** The text that was held back. Call it when the stream has ended without a stop string. */
  flush(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }

  /**
   * The match that completes first; the longer of two that complete together. The end thus does not
   * depend on how the text was cut into tokens: [abcd, bc] always ends "abcd" after "a".
   */
  #firstMatch(): { at: number; stop: string } | null {
    const matches = this.#stops
      .map((stop) => ({ at: this.#held.indexOf(stop), stop }))
      .filter((match) => match.at >= 0)
      .sort((a, b) => a.at + a.stop.length - (b.at + b.stop.length) || a.at - b.at);
    return matches[0] ?? null;
  }

  /** The length of the longest end of the held text that begins a stop string. */
  #possibleStart(): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (
        let length = Math.min(stop.length - 1, this.#held.length);
        length > longest;
        length -= 1
      ) {
        if (this.#held.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
