/**
 * Turns committed tokens into token events with the text each releases. Text can be uncertain: an
 * unfinished UTF-8 character, or the beginning of what may be a stop string. While it is, the event
 * of the last token waits; at the end it carries what was held back. So end-of-generation events
 * have empty text, stop strings are never shown, and the texts concatenate to the answer.
 */
import type { TokenEvent } from '../core/events.ts';
import type { FinishReason } from '../core/finish-reason.ts';
import type { TokenId } from '../core/token-id.ts';
import { IncrementalDetokenizer } from '../vocabulary/incremental-detokenizer.ts';
import { StopMatcher } from '../vocabulary/stop-matcher.ts';

export interface EmitterOptions {
  readonly stops: readonly string[];
  readonly tokenBytes: (id: TokenId) => Uint8Array;
  readonly isEndOfGeneration: (id: TokenId) => boolean;
}

export interface Emission {
  /** Events that are final now, in order. */
  readonly events: readonly TokenEvent[];
  /** Set when this token ends the answer. */
  readonly finish: Extract<FinishReason, 'end-of-generation' | 'stop-string'> | null;
}

export class Emitter {
  readonly #options: EmitterOptions;
  readonly #detokenizer = new IncrementalDetokenizer();
  readonly #stops: StopMatcher;
  /** The last event, while its text is uncertain. */
  #waiting: TokenEvent | null = null;

  constructor(options: EmitterOptions) {
    this.#options = options;
    this.#stops = new StopMatcher(options.stops);
  }

  /** @param token everything but the text is known */
  push(token: Omit<TokenEvent, 'text'>): Emission {
    if (this.#options.isEndOfGeneration(token.tokenId)) {
      return { events: [...this.flush(), { ...token, text: '' }], finish: 'end-of-generation' };
    }
    const whole = this.#detokenizer.push(this.#options.tokenBytes(token.tokenId));
    const { released, matched } = this.#stops.push(whole);
    const event = { ...token, text: released };
    const earlier = this.#waiting === null ? [] : [this.#waiting];
    this.#waiting = null;
    if (matched !== null) return { events: [...earlier, event], finish: 'stop-string' };
    if (!this.#detokenizer.isHolding && !this.#stops.isHolding) {
      return { events: [...earlier, event], finish: null };
    }
    this.#waiting = event;
    return { events: earlier, finish: null };
  }

  /** The waiting event with all text that was held back: nothing more will come. */
  flush(): TokenEvent[] {
    const waiting = this.#waiting;
    if (waiting === null) return [];
    this.#waiting = null;
    // The unfinished character may complete a stop string no more, but it may follow a held text.
    const { released } = this.#stops.push(this.#detokenizer.flush());
    return [{ ...waiting, text: waiting.text + released + this.#stops.flush() }];
  }
}
