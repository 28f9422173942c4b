/**
 * What a device (with the small model) and a hub (with the large one) say to each other about one
 * request. docs/LINK.md has their frames byte by byte.
 *
 * A device opens or resumes one request on a connection, transmits the tokens that it is not sure of,
 * and gets one answer for each transmission. Tokens that it keeps without asking travel with the next
 * transmission, so every token of a text reaches the hub. Where the hub's model writes on alone, it
 * streams: one `write` gets many answers.
 */
import type { SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { DraftDistribution } from '../sampling/draft-distribution.ts';

/** 16 random bytes in hex: 32 digits from 0 to f. They name a request and let its device resume it. */
export type RequestId = string;

/** Begins a request, or gives a hub that no longer knows it the whole text anew. */
export interface OpenMessage {
  readonly type: 'open';
  readonly requestId: RequestId;
  readonly vocabulary: {
    /** A SHA-256 in hex. */
    readonly digest: string;
    readonly size: number;
  };
  readonly sampling: SamplingParams;
  /** Any safe integer. */
  readonly seed: number;
  /** Whether answers carry log-probabilities. */
  readonly wantsLogprobs: boolean;
  /**
   * - `independent`: the hub accepts or resamples a draft with draws of its own.
   * - `shared`: the hub draws with the request's noise, and accepts a draft that equals its draw.
   */
  readonly noise: 'independent' | 'shared';
  /** The tokens of the text that are the prompt, at least 1. */
  readonly promptLength: number;
  /** The prompt; after a lost session also the answer so far. */
  readonly text: readonly TokenId[];
}

/** Asks for a verdict on one draft. */
export interface TransmitMessage {
  readonly type: 'transmit';
  /** Counts the answers that the request asks for. */
  readonly sequence: number;
  /** The number of drafts rejected so far. A hub ignores what was sent in an earlier epoch. */
  readonly epoch: number;
  /**
   * The position in the text of the first un-synced id, behind the prompt. The hub cuts its text to this
   * length.
   */
  readonly from: number;
  /** The tokens that the device kept since, without asking. */
  readonly unsynced: readonly TokenId[];
  /** The token at position `from + unsynced.length`. */
  readonly draft: TokenId;
  readonly distribution: DraftDistribution;
}

/**
 * Lets the hub write a run: tokens that it draws itself, one answer each. The run ends after the last
 * of them, behind an end-of-generation token, and with the next message of the request that does not
 * change it. If it ends before its last answer, and not by an error, the hub says so with `stopped`.
 *
 * A `write` at a position that the run has reached changes how many answers are wanted from there on; of
 * 0 answers, it stops the run.
 */
export interface WriteMessage {
  readonly type: 'write';
  /** Of the first answer; those behind it count on. */
  readonly sequence: number;
  /** As in `transmit`. A run leaves it as it is. */
  readonly epoch: number;
  /** As in `transmit`. */
  readonly from: number;
  /** As in `transmit`. The run begins behind them. */
  readonly unsynced: readonly TokenId[];
  /** The number of wanted answers, at most `RUN_LENGTH_MAX`. */
  readonly countMax: number;
}

/** Goes on with a request after the connection broke. */
export interface ResumeMessage {
  readonly type: 'resume';
  readonly requestId: RequestId;
  /** The tokens of text that the device holds. */
  readonly length: number;
  readonly epoch: number;
}

/** Ends a request; the hub forgets it. */
export interface CloseMessage {
  readonly type: 'close';
  readonly requestId: RequestId;
}

/** The request is open. */
export interface OpenedMessage {
  readonly type: 'opened';
  readonly requestId: RequestId;
  /** The tokens of text that the hub holds. */
  readonly length: number;
}

/** The verdict on a draft, or a token of a run. Times and log-probability are in single precision. */
export interface AnswerMessage {
  readonly type: 'answer';
  /** Of the transmission that it answers, or its own in the run. */
  readonly sequence: number;
  /** The position of the token in the text. */
  readonly position: number;
  /** The draft, or what stands in its place. */
  readonly tokenId: TokenId;
  /** Always false in a run, which has no drafts. */
  readonly isAccepted: boolean;
  /** Of the token under the large model; null if the device did not ask. */
  readonly logprob: number | null;
  /** What the hub spent on this answer, from 0 up. */
  readonly computeMs: number;
  readonly waitedMs: number;
  readonly rowCount: number;
  readonly forwardCount: number;
}

/** A run has ended before its last answer. */
export interface StoppedMessage {
  readonly type: 'stopped';
  /** Of the first answer that does not come. */
  readonly sequence: number;
}

/** The order is the number in a frame. */
export const LINK_ERROR_CODES = [
  'protocol-version',
  'frame-invalid',
  'vocabulary-mismatch',
  'session-unknown',
  'unauthorised',
  'busy',
  'context-full',
  'position-unexpected',
  'internal',
] as const;

export type LinkErrorCode = (typeof LINK_ERROR_CODES)[number];

export interface ErrorMessage {
  readonly type: 'error';
  /** The transmission, or answer of a run, that failed; null if the error is about none. */
  readonly sequence: number | null;
  readonly code: LinkErrorCode;
  /** For people. A frame holds its first `ERROR_TEXT_BYTE_COUNT_MAX` bytes. */
  readonly message: string;
}

/** The hub will close soon: resume later, or open elsewhere. */
export interface DrainMessage {
  readonly type: 'drain';
}

export type DeviceMessage =
  | OpenMessage
  | TransmitMessage
  | WriteMessage
  | ResumeMessage
  | CloseMessage;
export type HubMessage =
  | OpenedMessage
  | AnswerMessage
  | StoppedMessage
  | ErrorMessage
  | DrainMessage;
export type LinkMessage = DeviceMessage | HubMessage;
