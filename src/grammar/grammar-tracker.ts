/**
 * An automaton that follows a text. It is driven by texts, not by steps: each call names the whole
 * answer so far, and the tracker takes back and accepts the tokens that this needs. Drafts, rollbacks
 * and requests in any order thus need no bookkeeping elsewhere.
 */
import { invariant } from '../core/invariant.ts';
import type { TokenId } from '../core/token-id.ts';

/** The operations of a matching engine for one answer. */
export interface GrammarMatcher {
  /** False if the grammar does not allow the token here; then nothing changes. */
  accept(id: TokenId): boolean;
  /** Takes back the last `count` accepted tokens. */
  rollBack(count: number): void;
  /**
   * [ceil(vocabulary size / 32)] words, with a set bit for every allowed token. Owns its memory. Not
   * to be called after the answer has ended.
   */
  nextMask(): Int32Array | Promise<Int32Array>;
  /** Whether the last accepted token ended the answer. */
  readonly hasEnded: boolean;
}

export class GrammarTracker {
  readonly #matcher: GrammarMatcher;
  #accepted: TokenId[] = [];

  constructor(matcher: GrammarMatcher) {
    this.#matcher = matcher;
  }

  /**
   * The masks of the tokens that may follow the first `from`, `from + 1`, … tokens of the answer, up
   * to the whole answer. Null after a forbidden token and after the end, because no token can be
   * written there.
   */
  async masks(answer: readonly TokenId[], from: number): Promise<(Int32Array | null)[]> {
    invariant(from >= 0 && from <= answer.length, `no mask behind ${from} of ${answer.length}`);
    const masks: (Int32Array | null)[] = [];
    for (let length = from; length <= answer.length; length += 1) {
      const isReached = this.#follow(answer, length) === length;
      masks.push(isReached && !this.#matcher.hasEnded ? await this.#matcher.nextMask() : null);
    }
    return masks;
  }

  /** The number of tokens of the answer, from the first on, that the grammar allows. */
  allowedLength(answer: readonly TokenId[]): number {
    return this.#follow(answer, answer.length);
  }

  /** Moves to the first `length` tokens of the answer. @returns the number of them that are allowed */
  #follow(answer: readonly TokenId[], length: number): number {
    const kept = commonLength(this.#accepted, answer, length);
    if (kept < this.#accepted.length) {
      this.#matcher.rollBack(this.#accepted.length - kept);
      this.#accepted.length = kept;
    }
    for (const id of answer.slice(kept, length)) {
      if (this.#matcher.hasEnded || !this.#matcher.accept(id)) break;
      this.#accepted.push(id);
    }
    return this.#accepted.length;
  }
}

function commonLength(a: readonly TokenId[], b: readonly TokenId[], end: number): number {
  let length = 0;
  while (length < end && length < a.length && a[length] === b[length]) length += 1;
  return length;
}
