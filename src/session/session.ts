/**
 * The port: the calls that a strategy may make to one model for one request. Behind it stands a local
 * model with its KV cache (local-session.ts), an engine on another machine, or a hub at the other end of
 * a link. A strategy reads the capabilities and calls the session; it does no bookkeeping.
 *
 * A request's text grows in one place, the engine's loop. A call names its whole text, and the session
 * finds the part that its model has read already. Every use is metered in work events under the model's
 * id.
 *
 * Repetition: no call of a strategy is made twice. A local session repeats its own forward if its cache
 * was full or its cells were taken, because that costs only time. A session that pays for a call, or
 * sends it to another machine, makes it once and fails with the error of that call. The exceptions: a hub
 * answers a question that it gets twice with the same answer, and a call to a server that failed is made
 * again, because nothing of its answer was used.
 */

import type { ChatMessage } from '../core/chat-message.ts';
import type { WorkPurpose } from '../core/events.ts';
import type { ModelId } from '../core/model-id.ts';
import type { NoisePurpose } from '../core/noise.ts';
import type { RowMasks, RowProgram, RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';
import type { DraftDistribution } from '../sampling/draft-distribution.ts';
import type { SessionCapabilities } from './capabilities.ts';
import type { WorkRecorder } from './work-recorder.ts';
import type { WriteBoundary } from './write-boundary.ts';

export interface RowsRequest {
  /** Prompt, committed tokens and drafts. */
  readonly text: readonly TokenId[];
  /** The number of wanted rows at the end of the text: 1, or 1 + the number of drafts. */
  readonly outputCount: number;
  readonly purpose: WorkPurpose;
  /** Values beside the rows' tokens. Default: none. */
  readonly reads?: RowReads | undefined;
  /** The noise of a draw. Default: `sample`, which all models of a request share. */
  readonly noise?: NoisePurpose | undefined;
  /**
   * The number of the draw among independent draws: branches that draw at the same positions have
   * numbers of their own. Default 0, the draw of the request's seed. Without shared noise every call is
   * an independent draw.
   */
  readonly draw?: number | undefined;
  /** The temperature of this call's draws, from 0 to 100; default: the request's. */
  readonly temperature?: number | undefined;
  /** The text whose tokens `textLogprob` is about; default: `text`. It may be longer than `text`. */
  readonly scoredText?: readonly TokenId[] | undefined;
  /** The tokens that `tokenLogprobs` is about. */
  readonly scoredTokens?: readonly TokenId[] | undefined;
}

/** Asks for a verdict on a drafted token. */
export interface VerdictRequest {
  /** Prompt and committed tokens; the draft is the token after them. */
  readonly text: readonly TokenId[];
  readonly draft: TokenId;
  /** What it was drawn from. Without one it is compared with the model's own draw. */
  readonly distribution: DraftDistribution;
  readonly wantsLogprob: boolean;
}

export interface Verdict {
  /** The draft, or the token in its place. */
  readonly tokenId: TokenId;
  readonly isAccepted: boolean;
  /** Of the token under the model; null if it was not asked for, or the model does not know it. */
  readonly logprob: number | null;
}

export interface WriteRequest extends Omit<RowsRequest, 'outputCount' | 'scoredText'> {
  readonly until: WriteBoundary;
}

/** Calls of one session do not overlap, except that it may be disposed of at any time. */
export interface Session extends AsyncDisposable {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  /**
   * The last `outputCount` rows of a text, in order. Row i decides the token after the first
   * `text.length - outputCount + 1 + i` tokens.
   * @throws PilotfishError `aborted`, `disposed`, and the errors of its model
   */
  rows(request: RowsRequest): Promise<readonly RowResult[]>;
  /**
   * Verdicts of a model that judges drafts where it runs, with the request's noise; absent: the caller
   * judges them by rows.
   * @returns null if the model is away and the request goes on without it
   * @throws as `rows`
   */
  verdict?(request: VerdictRequest): Promise<Verdict | null>;
  /**
   * Continues a text token by token, up to a boundary: at least one token. Leaving the loop early stops
   * the writing. If the model signals its end without a token, the last row has an end-of-generation
   * token.
   * @throws as `rows`; tokens that came before remain valid
   */
  write(request: WriteRequest): AsyncGenerator<RowResult, void, undefined>;
  /**
   * Another session of the same model for the same request: a branch. It shares the text that this
   * session has read, if the model can share it. It is disposed of on its own, or with the request.
   */
  fork(): Session;
  /**
   * The number of tokens of a text that the model would have to read now; an estimate before the first
   * use.
   */
  unreadLength(text: readonly TokenId[]): number;
  /**
   * Cancels the calls in flight and gives back the cells and connections that the session holds. Then
   * the work of every call has been recorded.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The facts of a request that its sessions need. */
export interface SessionRequest {
  /** Tokens of the prompt: all but the last are read without outputs. */
  readonly promptLength: number;
  readonly sampling: Pick<RowProgram, 'vocabularySize' | 'sampling' | 'seed'>;
  /** The grammar of the text; absent: any text. */
  readonly grammar?: RowGrammar | undefined;
  /** Whether a token ends the generation for any of the request's models. */
  isEndOfGeneration(id: TokenId): boolean;
  /** The bytes that a token adds to the text. */
  tokenBytes(id: TokenId): Uint8Array;
  /**
   * The conversation of the prompt, for a model that renders it itself, and the tokens of the texts that
   * it writes. Absent: the models of this request take token ids.
   */
  readonly conversation?: Conversation | undefined;
  readonly recorder: WorkRecorder;
  /**
   * The request disposes of these sessions at its end: after a stop string, at a limit, after a failure,
   * or when its reader leaves. A session of a model that runs elsewhere, also a branch, adds itself, and
   * takes itself out when it is disposed of. (A lease holds local sessions.)
   */
  readonly remoteSessions: Set<AsyncDisposable>;
  /**
   * Fires when the request is aborted. Calls in flight are then cancelled, also a stream that its reader
   * has left. A request that ends otherwise disposes of its sessions.
   */
  readonly signal: AbortSignal;
}

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  /** The tokens of a text that stands behind another one. */
  tokensOf(text: string): readonly TokenId[];
}

/** The part of a grammar that rows need. */
export interface RowGrammar {
  masks(text: readonly TokenId[], outputCount: number, signal?: AbortSignal): Promise<RowMasks>;
}
