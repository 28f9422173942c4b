/**
 * A vocabulary of llama.cpp. It lives inside its model: after the model is closed, every call that
 * would read native memory fails as `disposed` (a paused request may still call it).
 */

import type { ChatMessage } from '../../core/chat-message.ts';
import { PilotfishError } from '../../core/errors.ts';
import { type TokenId, tokenId, tokenIds } from '../../core/token-id.ts';
import { type ChatTemplate, chatTemplate } from '../../vocabulary/chat-template.ts';
import type { SpecialToken } from '../../vocabulary/special-token.ts';
import type { Vocabulary } from '../roles.ts';
import type { Abi, Address } from './native-api.ts';

const PIECE_BYTES_START = 64;
const KEPT_PIECE_COUNT_MAX = 16_384;
const TOKEN_NONE = -1;
const VOCABULARY_NONE = 0;
const VOCABULARY_SPM = 1;
/** Bits of `llama_token_attr`. */
const ATTRIBUTE = { unknown: 1, control: 8, userDefined: 16, stripsBefore: 128, stripsAfter: 256 };
/** A character that no token contains together with another one. */
const LONE_CHARACTER = '\u{e000}';
const SPACE = 0x20;
const TURN_MARKER = /^<[|\uff5c].*[|\uff5c]>$/;
const TAG = /^[<[]\S+[>\]]$/;
const BYTE_TOKEN = /^<0x[0-9A-F]{2}>$/;

export class LlamaCppVocabulary implements Vocabulary {
  readonly size: number;
  readonly startToken: TokenId | null;
  readonly #abi: Abi;
  readonly #address: Address;
  readonly #template: ChatTemplate;
  readonly #templateSource: string;
  readonly #bos: string;
  readonly #pieces = new Map<TokenId, Uint8Array>();
  #endIds: ReadonlySet<TokenId> | null = null;
  #specialTokens: readonly SpecialToken[] | null = null;
  #addsSpace: boolean | null = null;
  #closed = false;

  constructor(abi: Abi, vocabulary: Address, template: string | null) {
    this.#abi = abi;
    this.#address = vocabulary;
    this.size = abi.tokenCount(vocabulary);
    checkTokenizer(abi, vocabulary, this.size);
    const text = (id: number): string => (id === TOKEN_NONE ? '' : abi.tokenText(vocabulary, id));
    const bos = abi.tokenBos(vocabulary);
    this.#bos = text(bos);
    this.startToken = bos !== TOKEN_NONE && abi.addsBos(vocabulary) ? tokenId(bos) : null;
    this.#templateSource = template ?? '';
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

  get specialTokens(): readonly SpecialToken[] {
    this.#specialTokens ??= this.#findSpecialTokens();
    return this.#specialTokens;
  }

  tokenize(text: string): TokenId[] {
    const ids = this.#ids(text, true);
    // Templates may contain the start token. A second one would change the answer.
    const isStarted = this.#bos !== '' && text.startsWith(this.#bos);
    return this.startToken === null || isStarted ? ids : [this.startToken, ...ids];
  }

  tokenizeText(pieces: readonly string[]): TokenId[] {
    const [first = '', ...others] = pieces.filter((piece) => piece !== '');
    return [this.#ids(first, false), ...others.map((piece) => this.#continued(piece))].flat();
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

  #ids(text: string, parsesSpecial: boolean): TokenId[] {
    const bytes = Buffer.from(text, 'utf8');
    // Every token covers at least one byte, except a space that the vocabulary puts before texts.
    const room = new Int32Array(bytes.length + 8);
    const count = this.#abi.tokenize(
      this.#vocabulary,
      bytes,
      bytes.length,
      room,
      room.length,
      false,
      parsesSpecial,
    );
    if (count < 0) {
      throw new PilotfishError('native-failed', `Tokenising ${bytes.length} bytes failed.`);
    }
    return tokenIds(Array.from(room.subarray(0, count)));
  }

  /** Tokens of a text behind another piece: without the space that begins a text (SentencePiece). */
  #continued(piece: string): TokenId[] {
    this.#addsSpace ??=
      this.#ids('a', false).flatMap((id) => [...this.tokenBytes(id)])[0] === SPACE;
    if (!this.#addsSpace) return this.#ids(piece, false);
    const lead = this.#ids(LONE_CHARACTER, false);
    return this.#ids(LONE_CHARACTER + piece, false).slice(lead.length);
  }

  #findSpecialTokens(): readonly SpecialToken[] {
    const tokens: SpecialToken[] = [];
    for (let id = 0; id < this.size; id += 1) {
      const attributes = this.#abi.tokenAttributes(this.#vocabulary, id);
      const has = (bit: number): boolean => (attributes & bit) !== 0;
      const isUserDefined = has(ATTRIBUTE.userDefined);
      if (!isUserDefined && !has(ATTRIBUTE.control | ATTRIBUTE.unknown)) continue;
      const text = this.#abi.tokenText(this.#vocabulary, id);
      if (isUserDefined && !this.#isMarker(tokenId(id), text)) continue;
      const stripsBefore = has(ATTRIBUTE.stripsBefore);
      const stripsAfter = has(ATTRIBUTE.stripsAfter);
      tokens.push({ id: tokenId(id), text, isUserDefined, stripsBefore, stripsAfter });
    }
    return tokens;
  }

  /**
   * Whether a user-defined token structures prompts. Many others are only text that is kept whole: runs
   * of white space, HTML tags.
   */
  #isMarker(id: TokenId, text: string): boolean {
    if (this.isEndOfGeneration(id) || TURN_MARKER.test(text)) return true;
    return TAG.test(text) && this.#templateSource.includes(text);
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
