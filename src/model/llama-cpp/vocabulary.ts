/**
 * A vocabulary of llama.cpp. It lives inside its model: after the model is closed, every call that
 * would read native memory fails as `disposed` (a paused request may still call it).
 */

import type { ChatMessage } from '../../core/chat-message.ts';
import { PilotfishError } from '../../core/errors.ts';
import { type TokenId, tokenId, tokenIds } from '../../core/token-id.ts';
import { type ChatTemplate, chatTemplate } from '../../vocabulary/chat-template.ts';
import type { Vocabulary } from '../roles.ts';
import type { Abi, Address } from './native-api.ts';

const PIECE_BYTES_START = 64;
const KEPT_PIECE_COUNT_MAX = 16_384;
const TOKEN_NONE = -1;
const VOCABULARY_NONE = 0;
const VOCABULARY_SPM = 1;
const BYTE_TOKEN = /^<0x[0-9A-F]{2}>$/;

export class LlamaCppVocabulary implements Vocabulary {
  readonly size: number;
  readonly #abi: Abi;
  readonly #address: Address;
  readonly #template: ChatTemplate;
  readonly #bos: string;
  readonly #pieces = new Map<TokenId, Uint8Array>();
  #endIds: ReadonlySet<TokenId> | null = null;
  #closed = false;

  constructor(abi: Abi, vocabulary: Address, template: string | null) {
    this.#abi = abi;
    this.#address = vocabulary;
    this.size = abi.tokenCount(vocabulary);
    checkTokenizer(abi, vocabulary, this.size);
    const text = (id: number): string => (id === TOKEN_NONE ? '' : abi.tokenText(vocabulary, id));
    this.#bos = text(abi.tokenBos(vocabulary));
    this.#template = chatTemplate(template, {
      bos: this.#bos,
      eos: text(abi.tokenEos(vocabulary)),
    });
  }

  tokenString(id: TokenId): string | null {
    return id < this.size ? this.#abi.tokenText(this.#vocabulary, id) : null;
  }

  tokenBytes(id: TokenId): Uint8Array {
    const known = this.#pieces.get(id);
    if (known !== undefined) return known;
    const piece = this.#piece(id, PIECE_BYTES_START);
    // A grammar reads the whole vocabulary once, and 152,000 pieces would take 70 MB.
    if (this.#pieces.size >= KEPT_PIECE_COUNT_MAX) this.#pieces.clear();
    this.#pieces.set(id, piece);
    return piece;
  }

  isEndOfGeneration(id: TokenId): boolean {
    return this.#abi.tokenIsEndOfGeneration(this.#vocabulary, id);
  }

  endOfGenerationIds(): ReadonlySet<TokenId> {
    this.#endIds ??= this.#findEndIds();
    return this.#endIds;
  }

  tokenize(text: string): TokenId[] {
    const bytes = Buffer.from(text, 'utf8');
    // Templates may contain the start token. A second one would change the answer.
    const addSpecial = this.#bos === '' || !text.startsWith(this.#bos);
    // Every token covers at least one byte, except the special tokens that the library adds.
    const room = new Int32Array(bytes.length + 8);
    const count = this.#abi.tokenize(
      this.#vocabulary,
      bytes,
      bytes.length,
      room,
      room.length,
      addSpecial,
      true,
    );
    if (count < 0) {
      throw new PilotfishError('native-failed', `Tokenising ${bytes.length} bytes failed.`);
    }
    return tokenIds(Array.from(room.subarray(0, count)));
  }

  /** Called before the native memory is freed. */
  close(): void {
    this.#closed = true;
  }

  renderChat(messages: readonly ChatMessage[]): string {
    return this.#template.render(messages);
  }

  get #vocabulary(): Address {
    if (!this.#closed) return this.#address;
    throw new PilotfishError('disposed', 'The model was closed.');
  }

  #piece(id: TokenId, roomBytes: number): Uint8Array {
    const room = new Uint8Array(roomBytes);
    const count = this.#abi.tokenToPiece(this.#vocabulary, id, room, roomBytes, 0, false);
    return count < 0 ? this.#piece(id, -count) : room.slice(0, count);
  }

  #findEndIds(): ReadonlySet<TokenId> {
    const ids = new Set<TokenId>();
    for (let id = 0; id < this.size; id += 1) {
      if (this.isEndOfGeneration(tokenId(id))) ids.add(tokenId(id));
    }
    return ids;
  }
}

/**
 * Refuses tokenisers that end the process instead of failing: a missing tokeniser, and SentencePiece
 * without a token for every byte (it then looks up unknown characters in vain).
 */
function checkTokenizer(abi: Abi, vocabulary: Address, size: number): void {
  const type = abi.vocabularyType(vocabulary);
  if (type === VOCABULARY_NONE) throw unusable('has no tokenizer');
  if (type !== VOCABULARY_SPM) return;
  const bytes = new Set<string>();
  for (let id = 0; id < size; id += 1) {
    const text = abi.tokenText(vocabulary, id);
    if (BYTE_TOKEN.test(text)) bytes.add(text);
  }
  if (bytes.size < 256) throw unusable(`has tokens for ${bytes.size} of 256 bytes only`);
}

function unusable(why: string): PilotfishError {
  return new PilotfishError('model-load-failed', `The model ${why}.`, {
    remedy: 'Choose a language model with a complete tokenizer.',
  });
}
