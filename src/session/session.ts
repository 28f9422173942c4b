/**
 * The port: what a strategy may ask of one model for one request. Behind it stands a local model with
 * its KV cache (local-session.ts), an engine on another machine, or a hub at the other end of a link:
 * a strategy reads the capabilities and asks, and does no bookkeeping of its own.
 *
 * A request's text grows in one place, the engine's loop. A call names the whole text it is about; the
 * session finds out what its model has read of it already. Every use is metered in work events under
 * the model's id.
 *
 * What may be repeated: nothing that a strategy asks for is asked twice. A local session repeats a
 * forward of its own where its cache was full or its cells were taken, because that costs time and
 * nothing else. A session that pays for a call, or sends it to another machine, makes it once and
 * fails with what went wrong.
 */

import type { WorkPurpose } from '../core/events.ts';
import type { ModelId } from '../core/model-id.ts';
import type { NoisePurpose } from '../core/noise.ts';
import type { RowMasks, RowProgram, RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';
import type { SessionCapabilities } from './capabilities.ts';
import type { WorkRecorder } from './work-recorder.ts';
import type { WriteBoundary } from './write-boundary.ts';

export interface RowsRequest {
  /** Prompt, committed tokens and drafts. */
  readonly text: readonly TokenId[];
  /** How many rows at the end of the text are wanted: 1, or 1 + the number of drafts. */
  readonly outputCount: number;
  readonly purpose: WorkPurpose;
  /** Values beside the rows' tokens. Default: none. */
  readonly reads?: RowReads | undefined;
  /** Which noise a draw uses. Default: `sample`, which all models of a request share. */
  readonly noise?: NoisePurpose | undefined;
  /**
   * Which of several independent draws: branches that draw at the same positions number themselves.
   * Default 0, the draw of the request's seed. Without shared noise every call is a draw of its own.
   */
  readonly draw?: number | undefined;
  /** The text whose tokens `textLogprob` is about; default: `text`. It may be longer than `text`. */
  readonly scoredText?: readonly TokenId[] | undefined;
}

export interface WriteRequest extends Omit<RowsRequest, 'outputCount' | 'scoredText'> {
  readonly until: WriteBoundary;
}

/** Calls of one session do not overlap, but that it may be disposed of at any time. */
export interface Session extends AsyncDisposable {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  /**
   * The last `outputCount` rows of a text, in order: row i decides the token behind the first
   * `text.length - outputCount + 1 + i` tokens.
   * @throws PilotfishError `aborted`, `disposed`, and what its model gives rise to
   */
  rows(request: RowsRequest): Promise<readonly RowResult[]>;
  /**
   * Writes on behind a text, token by token, up to a boundary: at least one token. Leaving the loop
   * early stops the writing. A model that tells its end without a token is closed by a row of an
   * end-of-generation token.
   * @throws as `rows`; tokens that came before stay valid
   */
  write(request: WriteRequest): AsyncGenerator<RowResult, void, undefined>;
  /**
   * Another session of the same model for the same request: a branch. It shares what this one has
   * read, where the model can share it. It is disposed of on its own, or with the request.
   */
  fork(): Session;
  /** How many tokens of a text the model would have to read now; an estimate before the first use. */
  unreadLength(text: readonly TokenId[]): number;
  /** Cancels the calls in flight and gives back what the session holds. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a session must know of the request that it serves. */
export interface SessionRequest {
  /** Tokens of the prompt: all but the last are read without outputs. */
  readonly promptLength: number;
  readonly sampling: Pick<RowProgram, 'vocabularySize' | 'sampling' | 'seed'>;
  /** What a grammar allows; absent: everything. */
  readonly grammar?: RowGrammar | undefined;
  /** An end-of-generation token of any of the request's models. */
  isEndOfGeneration(id: TokenId): boolean;
  /** The bytes a token adds to the text. */
  tokenBytes(id: TokenId): Uint8Array;
  readonly recorder: WorkRecorder;
  /**
   * The request disposes of these at its end. A session of a model that runs elsewhere adds itself,
   * a branch too, and takes itself out when it is disposed of. (A lease holds local sessions.)
   */
  readonly remoteSessions?: Set<AsyncDisposable> | undefined;
  /**
   * The request's life: when it fires, calls in flight are cancelled, also a stream that its reader
   * left alone.
   */
  readonly signal: AbortSignal;
}

/** The part of a grammar that rows need. */
export interface RowGrammar {
  masks(text: readonly TokenId[], outputCount: number, signal?: AbortSignal): Promise<RowMasks>;
}
