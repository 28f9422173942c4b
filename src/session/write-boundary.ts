/**
 * Where writing ends: after a number of tokens, after an end-of-generation token, or after the first
 * token whose running text contains one of several texts (the separator of a step, a stop string). Whole
 * tokens are kept: nothing is cut off and put back.
 */
import type { TokenId } from '../core/token-id.ts';
import { IncrementalDetokenizer } from '../vocabulary/incremental-detokenizer.ts';
import { StopMatcher } from '../vocabulary/stop-matcher.ts';

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

/**
 * Follows the text that is written after a prompt; the prompt itself does not count. Texts are found as
 * the engine finds stop strings.
 */
export class BoundaryWatch {
  readonly #boundary: WriteBoundary;
  readonly #meaning: TokenMeaning;
  readonly #detokenizer = new IncrementalDetokenizer();
  readonly #texts: StopMatcher;
  #tokenCount = 0;
  #isReached = false;

  constructor(boundary: WriteBoundary, meaning: TokenMeaning) {
    this.#boundary = boundary;
    this.#meaning = meaning;
    this.#texts = new StopMatcher(boundary.texts ?? []);
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  push(token: TokenId): void {
    this.#tokenCount += 1;
    const written = this.#detokenizer.push(this.#meaning.tokenBytes(token));
    const completesText = this.#texts.push(written).matched !== null;
    const isEnd =
      this.#tokenCount >= this.#boundary.tokenCountMax || this.#meaning.isEndOfGeneration(token);
    this.#isReached ||= isEnd || completesText;
  }
}
