/**
 * The vocabulary of a hub's large model, as its device knows it: that of the small model, whose tokens
 * are the same, with the ends of an answer that the hub's model knows.
 */
import type { ChatMessage } from '../core/chat-message.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Vocabulary } from '../model/roles.ts';
import type { SpecialToken } from '../vocabulary/special-token.ts';

export class HubVocabulary implements Vocabulary {
  readonly #small: Vocabulary;
  readonly #ends: ReadonlySet<TokenId>;

  /** @param ends of the hub's model */
  constructor(small: Vocabulary, ends: readonly TokenId[]) {
    this.#small = small;
    this.#ends = new Set(ends);
  }

  get size(): number {
    return this.#small.size;
  }

  get specialTokens(): readonly SpecialToken[] {
    return this.#small.specialTokens;
  }

  get startToken(): TokenId | null {
    return this.#small.startToken;
  }

  tokenString(id: TokenId): string | null {
    return this.#small.tokenString(id);
  }

  tokenBytes(id: TokenId): Uint8Array {
    return this.#small.tokenBytes(id);
  }

  isEndOfGeneration(id: TokenId): boolean {
    return this.#ends.has(id);
  }

  endOfGenerationIds(): ReadonlySet<TokenId> {
    return this.#ends;
  }

  tokenize(text: string): TokenId[] {
    return this.#small.tokenize(text);
  }

  tokenizeText(pieces: readonly string[]): TokenId[] {
    return this.#small.tokenizeText(pieces);
  }

  renderChat(messages: readonly ChatMessage[]): string {
    return this.#small.renderChat(messages);
  }
}
