/**
 * Cuts a text that arrives in parts into tokens. A word is kept until the next one begins, because the
 * tokens of its beginning alone would be others.
 */
import type { TokenId } from '../core/token-id.ts';

/** A text without spaces is cut here, too. */
const WAITING_LENGTH_MAX = 200;

export class TextTokensFeed {
  readonly #tokensOf: (text: string) => readonly TokenId[];
  #waiting = '';

  /** @param tokensOf the tokens of a text that stands behind another one */
  constructor(tokensOf: (text: string) => readonly TokenId[]) {
    this.#tokensOf = tokensOf;
  }

  /** The tokens of what is complete. */
  push(text: string): readonly TokenId[] {
    this.#waiting += text;
    const at = this.#waiting.length > WAITING_LENGTH_MAX ? -1 : lastWordOf(this.#waiting);
    if (at === 0) return [];
    return this.#take(at < 0 ? this.#waiting.length : at);
  }

  /** The tokens of the rest. */
  flush(): readonly TokenId[] {
    return this.#take(this.#waiting.length);
  }

  #take(length: number): readonly TokenId[] {
    const text = this.#waiting.slice(0, length);
    this.#waiting = this.#waiting.slice(length);
    return text === '' ? [] : this.#tokensOf(text);
  }
}

/** Where the last word begins, with the space before it; 0: the text is one word. */
function lastWordOf(text: string): number {
  const at = text.lastIndexOf(' ');
  // Several spaces, or a space behind a line's end, belong together.
  return at > 0 && !/\s/.test(text[at - 1] ?? '') ? at : 0;
}
