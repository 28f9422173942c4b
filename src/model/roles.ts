/**
 * The roles of the model layer: the interface of a model that an engine runs itself. llama-cpp/ (real
 * models) and scripted/ (tables, for tests) implement them, and both pass testing/contracts.
 */
import type { ChatMessage } from '../core/chat-message.ts';
import type { ParameterCounts } from '../core/events.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { SpecialToken } from '../vocabulary/special-token.ts';

/** The tokens that a model reads and writes, with their texts. */
export interface Vocabulary {
  readonly size: number;
  /** The token's own string in the model file; null for ids beyond the vocabulary (padding). */
  tokenString(id: TokenId): string | null;
  /** The bytes that a token adds to the text; none for control tokens. */
  tokenBytes(id: TokenId): Uint8Array;
  isEndOfGeneration(id: TokenId): boolean;
  endOfGenerationIds(): ReadonlySet<TokenId>;
  /** The tokens that structure prompts. */
  readonly specialTokens: readonly SpecialToken[];
  /** The token that every prompt begins with; null if there is none. */
  readonly startToken: TokenId | null;
  /**
   * A whole prompt. Special tokens that the text spells out become those tokens. The start token comes
   * first, once. No end token is added, because the model is to write on.
   */
  tokenize(text: string): TokenId[];
  /**
   * A text as it stands between special tokens: those that it spells out stay text, except
   * user-defined ones, and nothing is added.
   * @param pieces the parts of the text; no token spans two of them
   */
  tokenizeText(pieces: readonly string[]): TokenId[];
  /** Renders a conversation up to the start of the assistant's answer. */
  renderChat(messages: readonly ChatMessage[]): string;
}

export interface ForwardRequest {
  /** Fed at positions `length`, `length + 1`, …; at least one token, at most `rowCountMax`. */
  readonly tokens: readonly TokenId[];
  /** Rows from this index on have outputs. `tokens.length` asks for no outputs. */
  readonly outputFrom: number;
  /** Hidden states are computed if the program reads them and rows have outputs. */
  readonly program: RowProgram;
}

export interface Forward {
  /** One result per output row, in order. */
  readonly rows: readonly RowResult[];
  readonly waitedMs: number;
  readonly computeMs: number;
}

/**
 * One KV-cache slot of one model. Calls on one sequence do not overlap, except that it may be
 * disposed of while it is being cut. After a failed or aborted forward the sequence holds a prefix of
 * the fed tokens, and `length` is its length.
 */
export interface Sequence extends AsyncDisposable {
  /** Tokens in the KV cache. */
  readonly length: number;
  /** @throws PilotfishError `aborted`, `kv-full`, `native-failed`, `disposed` */
  forward(request: ForwardRequest, signal?: AbortSignal): Promise<Forward>;
  /** Forgets all but the first `length` tokens. Waits for a forward under way. */
  truncate(length: number): Promise<void>;
  /** A new sequence with the same first `length` tokens (default: all). It shares their cells. */
  fork(length?: number): Promise<Sequence>;
}

/** The facts that are known of a model without running it. */
export interface ModelFacts {
  readonly name: string;
  readonly parameterCounts: ParameterCounts;
  readonly weightBytes: number;
  /** Bytes of keys and values of one token in all layers. */
  readonly kvBytesPerToken: number;
  readonly hiddenSize: number;
  /** The number of tokens that fit in one sequence. */
  readonly contextLength: number;
  /**
   * The number of tokens that fit in the KV cache, all sequences together: at least `contextLength`.
   */
  readonly cellCount: number;
  /** The most rows of a forward. */
  readonly rowCountMax: number;
  /** The number of sequences that may be open at once. */
  readonly sequenceCountMax: number;
}

export interface LanguageModel extends AsyncDisposable {
  readonly facts: ModelFacts;
  readonly vocabulary: Vocabulary;
  /**
   * The input embedding of a token as in the model's file: [hiddenSize]. A copy for the caller.
   * @throws PilotfishError `embedding-unavailable`, `disposed`; InvariantError for an unknown token
   */
  tokenEmbedding(id: TokenId): Float32Array;
  /** The number of open sequences. */
  readonly sequenceCount: number;
  /** Tokens in all sequences, as the cache itself counts them. Shared cells count for each sequence. */
  countCachedTokens(): Promise<number>;
  /** @throws PilotfishError `sequences-exhausted`, `disposed` */
  openSequence(): Sequence;
}
