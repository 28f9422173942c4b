/**
 * The roles of the model layer: what an engine needs of a model it runs itself. Implemented by
 * llama-cpp/ (real models) and scripted/ (tables, for tests); both pass testing/contracts.
 */
import type { ChatMessage } from '../core/chat-message.ts';
import type { ParameterCounts } from '../core/events.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';

/** The tokens a model reads and writes, and their texts. */
export interface Vocabulary {
  readonly size: number;
  /** The token's own string in the model file; null for ids beyond the vocabulary (padding). */
  tokenString(id: TokenId): string | null;
  /** The bytes a token adds to the text; none for control tokens. */
  tokenBytes(id: TokenId): Uint8Array;
  isEndOfGeneration(id: TokenId): boolean;
  endOfGenerationIds(): ReadonlySet<TokenId>;
  /** Special tokens spelled out in the text become those tokens. */
  tokenize(text: string): TokenId[];
  /** Renders a conversation, ready for the assistant's turn. */
  renderChat(messages: readonly ChatMessage[]): string;
}

export interface ForwardRequest {
  /** Fed at positions `length`, `length + 1`, …; at least one, at most `rowCountMax`. */
  readonly tokens: readonly TokenId[];
  /** Rows from this index on have outputs; `tokens.length` asks for none. */
  readonly outputFrom: number;
  /** Hidden states are computed where it reads them and rows have outputs. */
  readonly program: RowProgram;
}

export interface Forward {
  /** One per output row, in order. */
  readonly rows: readonly RowResult[];
  readonly waitedMs: number;
  readonly computeMs: number;
}

/**
 * One KV-cache slot of one model. Calls on one sequence do not overlap, but that it may be disposed of
 * while it is being cut. After a failed or aborted forward the sequence holds some prefix of what was
 * fed: `length` says how much.
 */
export interface Sequence extends AsyncDisposable {
  /** Tokens in the KV cache. */
  readonly length: number;
  /** @throws PilotfishError `aborted`, `kv-full`, `native-failed`, `disposed` */
  forward(request: ForwardRequest, signal?: AbortSignal): Promise<Forward>;
  /** Forgets all but the first `length` tokens. Waits for a forward under way. */
  truncate(length: number): Promise<void>;
  /** A new sequence with the same first `length` tokens (default: all); it shares their cells. */
  fork(length?: number): Promise<Sequence>;
}

/** What is known of a model without running it. */
export interface ModelFacts {
  readonly name: string;
  readonly parameterCounts: ParameterCounts;
  readonly weightBytes: number;
  /** Keys and values of one token in all layers. */
  readonly kvBytesPerToken: number;
  readonly hiddenSize: number;
  /** Tokens that fit in one sequence. */
  readonly contextLength: number;
  /** Tokens that fit in the KV cache, all sequences together: at least `contextLength`. */
  readonly cellCount: number;
  /** Most rows a forward may have. */
  readonly rowCountMax: number;
  /** Sequences that may be open at once. */
  readonly sequenceCountMax: number;
}

export interface LanguageModel extends AsyncDisposable {
  readonly facts: ModelFacts;
  readonly vocabulary: Vocabulary;
  /**
   * The input embedding of a token, as the model's file has it: [hiddenSize]. The caller's own copy.
   * @throws PilotfishError `embedding-unavailable`, `disposed`; InvariantError for an unknown token
   */
  tokenEmbedding(id: TokenId): Float32Array;
  /** Sequences that are open now. */
  readonly sequenceCount: number;
  /** Tokens in all sequences, as the cache itself counts them; shared cells count for each. */
  countCachedTokens(): Promise<number>;
  /** @throws PilotfishError `sequences-exhausted`, `disposed` */
  openSequence(): Sequence;
}
