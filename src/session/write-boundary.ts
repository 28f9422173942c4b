/**
 * Where writing ends: after a number of tokens, after an end-of-generation token, or after the first
 * token whose running text contains one of several texts (the separator of a step, a stop string). Whole
 * tokens are kept: nothing is cut off and put back.
 */
import type { TokenId } from '../core/token-id.ts';

export interface WriteBoundary {
  /** At least 1. */
  readonly tokenCountMax: number;
  /** Default: none. */
  readonly texts?: readonly string[] | undefined;
}

/** The meaning of tokens that a boundary needs. */
export interface TokenMeaning {
  isEndOfGeneration(id: TokenId): boolean;
  tokenBytes(id: TokenId): Uint8Array;
}

/** Follows the text that is written after a prompt; the prompt itself does not count. */
export class BoundaryWatch {
  readonly #boundary: WriteBoundary;
  readonly #meaning: TokenMeaning;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** The end of the written text, long enough that one of the texts may begin in it. */
  #tail = '';
  #tokenCount = 0;
  #isReached = false;

  constructor(boundary: WriteBoundary, meaning: TokenMeaning) {
    this.#boundary = boundary;
    this.#meaning = meaning;
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  push(token: TokenId): void {
    const { tokenCountMax, texts = [] } = this.#boundary;
    this.#tokenCount += 1;
    const isEnd = this.#tokenCount >= tokenCountMax || this.#meaning.isEndOfGeneration(token);
    this.#isReached ||= isEnd || (texts.length > 0 && this.#completesOneOf(texts, token));
  }

  #completesOneOf(texts: readonly string[], token: TokenId): boolean {
    const written = this.#decoder.decode(this.#meaning.tokenBytes(token), { stream: true });
    const running = this.#tail + written;
    const longest = Math.max(...texts.map(({ length }) => length));
    this.#tail = running.slice(Math.max(0, running.length - longest + 1));
    return texts.some((text) => running.includes(text));
  }
}
