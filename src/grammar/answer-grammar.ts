/**
 * The grammar of one request: the tokens that may come next, by the text of the request. Both models
 * need masks at the same positions, and verification needs those that drafting used, so the last
 * masks are kept.
 */
import { invariant } from '../core/invariant.ts';
import type { RowMasks } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { GrammarSession } from './grammar-service.ts';

/** The number of kept masks: more than the rows of a verified draft. */
const KEPT_COUNT_MAX = 64;

type FollowedGrammar = Pick<
  GrammarSession,
  'masks' | 'allowedLength' | 'unkept' | 'violation' | typeof Symbol.dispose
>;

export class AnswerGrammar implements Disposable {
  readonly #session: FollowedGrammar;
  readonly #promptLength: number;
  #answer: readonly TokenId[] = [];
  /** By the length of the answer before them. All belong to `#answer`. */
  #masks = new Map<number, Int32Array | null>();

  constructor(session: FollowedGrammar, promptLength: number) {
    this.#session = session;
    this.#promptLength = promptLength;
  }

  /** The masks of the last `outputCount` rows of a text. */
  async masks(
    text: readonly TokenId[],
    outputCount: number,
    signal?: AbortSignal,
  ): Promise<RowMasks> {
    const answer = text.slice(this.#promptLength);
    const from = answer.length - outputCount + 1;
    invariant(from >= 0, 'rows inside the prompt have no mask');
    const masks = this.#known(answer);
    let missing = from;
    while (missing <= answer.length && masks.has(missing)) missing += 1;
    if (missing <= answer.length) {
      const fetched = await this.#session.masks(answer, missing, signal);
      for (const [index, mask] of fetched.entries()) masks.set(missing + index, mask);
    }
    for (const length of masks.keys()) {
      if (length <= answer.length - KEPT_COUNT_MAX && length < from) masks.delete(length);
    }
    this.#answer = answer;
    this.#masks = masks;
    return new Map([...masks].map(([length, mask]) => [this.#promptLength + length, mask]));
  }

  /** A draft up to its first forbidden token, or up to the end of the answer. */
  async allowedDraft(
    text: readonly TokenId[],
    draft: readonly TokenId[],
    signal?: AbortSignal,
  ): Promise<readonly TokenId[]> {
    const answer = text.slice(this.#promptLength);
    const length = await this.#session.allowedLength([...answer, ...draft], signal);
    return draft.slice(0, Math.max(0, length - answer.length));
  }

  /** Whether a finished answer must be checked, because the grammar allows more than its schema. */
  get needsCheck(): boolean {
    return this.#session.unkept.length > 0;
  }

  /** The way in which a finished answer violates its schema, in words; null: it is valid. */
  violation(answer: string, signal?: AbortSignal): Promise<string | null> {
    return this.#session.violation(answer, signal);
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
  }

  /** The kept masks that also hold for this answer. */
  #known(answer: readonly TokenId[]): Map<number, Int32Array | null> {
    let common = 0;
    while (common < answer.length && this.#answer[common] === answer[common]) common += 1;
    return new Map([...this.#masks].filter(([length]) => length <= common));
  }
}
