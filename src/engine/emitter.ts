/**
 * Turns committed tokens into token events with the text that each releases. Text is uncertain if it is
 * an unfinished UTF-8 character or may be the beginning of a stop string. Meanwhile the event of the
 * last token waits; at the end it carries the text held back. So end-of-generation events have empty
 * text, stop strings are never shown, and the texts concatenate to the answer.
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

  /** @param token an event without its text */
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

  /** The waiting event with all text held back. No more text will come. */
  flush(): TokenEvent[] {
    const waiting = this.#waiting;
    if (waiting === null) return [];
    this.#waiting = null;
    // The unfinished character can no longer complete a stop string, but it may follow text held back.
    const { released } = this.#stops.push(this.#detokenizer.flush());
    return [{ ...waiting, text: waiting.text + released + this.#stops.flush() }];
  }
}
