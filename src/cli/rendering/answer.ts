/** A run as the commands show it: a fold over its events. */
import type { EngineEvent, StartEvent, SummaryEvent, TokenEvent } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';

export interface Answer {
  readonly start: StartEvent;
  readonly tokens: readonly TokenEvent[];
  readonly summary: SummaryEvent;
}

/** The state of a run so far. `finish` may be called after its last event. */
export class AnswerFold {
  #start: StartEvent | null = null;
  #summary: SummaryEvent | null = null;
  readonly #tokens: TokenEvent[] = [];

  add(event: EngineEvent): void {
    switch (event.type) {
      case 'start':
        this.#start = event;
        return;
      case 'token':
        this.#tokens.push(event);
        return;
      case 'summary':
        this.#summary = event;
        return;
      case 'work':
      case 'draft':
        return;
    }
  }

  /** The text released so far: the text that a reader has seen if the run ends here. */
  text(): string {
    return this.#tokens.map((token) => token.text).join('');
  }

  /** @throws InvariantError if the run has not ended */
  finish(): Answer {
    return {
      start: required(this.#start, 'a run begins with its start event'),
      tokens: this.#tokens,
      summary: required(this.#summary, 'a run ends with its summary'),
    };
  }
}

export function tokensPerSecond({ tokenCount, elapsedMs }: SummaryEvent): number {
  return elapsedMs > 0 ? (tokenCount * 1000) / elapsedMs : 0;
}
