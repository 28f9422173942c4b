/**
 * The words of one kind of engine for two questions: the next token after each of several texts, and the
 * continuation of one text. Pure: a dialect makes calls and reads answers, and sends nothing.
 */
import type { SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { WriteBoundary } from '../session/write-boundary.ts';
import type { ServerCall } from './server-client.ts';
import type { MaskLimits, TokenLimit } from './token-limit.ts';

export interface Asking {
  /** The model's name on the server. */
  readonly model: string;
  readonly sampling: SamplingParams;
  /** Null: the server draws as it likes. */
  readonly seed: number | null;
  /**
   * The number of the largest log-probabilities that are wanted of each token; 0: only its own; null:
   * none at all.
   */
  readonly topCount: number | null;
  /** The tokens that may be drawn; absent: all. */
  readonly limit?: TokenLimit | undefined;
}

/** A token that a server wrote. */
export interface ServedToken {
  readonly tokenId: number;
  /** In nats, of the model's own distribution; null: the server did not say. */
  readonly logprob: number | null;
  /** The largest of that distribution by token id, in any order, perhaps with the token's own. */
  readonly top: ReadonlyMap<number, number>;
}

/** Tokens as the server counts and bills them. */
export interface ServedUsage {
  readonly readCount: number;
  /** The part of them that its cache held; null: the server did not say. */
  readonly cachedCount: number | null;
  readonly writtenCount: number;
}

export interface ServedRows {
  /** One for each text, in their order; null: the model ended there, and named no token. */
  readonly tokens: readonly (ServedToken | null)[];
  readonly usage: ServedUsage | null;
}

/**
 * Why an answer ends: the model has ended it, the limit was reached, or something else has cut it (a server
 * that shuts down, a filter), so that it is not whole. Null: it goes on.
 */
export type AnswerEnd = 'model' | 'limit' | 'broken' | null;

/** What OpenAI's format says of an end. */
export function answerEnd(reason: string | null | undefined): AnswerEnd {
  if (reason === null || reason === undefined) return null;
  if (reason === 'length') return 'limit';
  return reason === 'stop' ? 'model' : 'broken';
}

/** A part of a stream. */
export interface ServedPart {
  readonly tokens: readonly ServedToken[];
  readonly end: AnswerEnd;
  readonly usage: ServedUsage | null;
  /** The tokens of the stream up to this part, as the server counts them; null: it does not say. */
  readonly writtenCount: number | null;
}

/** Null: the server does not say. */
export interface ServerFacts {
  readonly version: string | null;
  /** As in `ListedModel`, if the list does not have it. */
  readonly contextLength: number | null;
}

/** A model that a server has. */
export interface ListedModel {
  readonly name: string;
  /** Tokens of a prompt with its answer; null: the server does not say. */
  readonly contextLength: number | null;
}

export interface Dialect {
  /** Whether one text's tokens in its cache spare those of any other that begins with them. */
  readonly sharesPrefixes: boolean;
  /** Whether a part of a stream may begin with tokens of earlier parts. Its `writtenCount` then tells. */
  readonly repeatsParts: boolean;
  /** Whether some tokens come without the log-probabilities that were asked for. */
  readonly omitsLogprobs: boolean;
  /** Whether it counts the tokens of a window for presence and frequency penalties. */
  readonly countsTokens: boolean;
  maskLimits(sampling: SamplingParams): MaskLimits;
  /** As `RemoteModel.missingSampling`. @param contextLength no text is longer */
  missingSampling(sampling: SamplingParams, contextLength: number): string | null;
  readonly listCall: ServerCall;
  /** @throws ZodError for an answer of another form */
  readList(answer: unknown): readonly ListedModel[];
  readonly factsCall: ServerCall;
  readFacts(answer: unknown): ServerFacts;
  /** The token ids of a text, in which special tokens are spelled out. */
  tokenizeCall(text: string, model: string): ServerCall;
  readTokens(answer: unknown): readonly number[];
  rowsCall(texts: readonly (readonly TokenId[])[], asking: Asking): ServerCall;
  readRows(answer: unknown, count: number): ServedRows;
  streamCall(text: readonly TokenId[], until: WriteBoundary, asking: Asking): ServerCall;
  readPart(event: unknown): ServedPart;
  /**
   * For an engine whose streams leave out tokens: the first `count` tokens of such a stream, in one
   * answer.
   */
  readonly whole?: {
    call(text: readonly TokenId[], count: number, asking: Asking): ServerCall;
    read(answer: unknown): readonly ServedToken[];
  };
}

/** Servers count the tokens that they have written in a call, not those of a window of the text. */
export const PENALTIES_MISSING = 'it cannot count the tokens of the text for penalties';

/** Of biases, and of tokens of a mask: vLLM's newer runner fails with more. */
export const BIAS_COUNT_MAX = 1024;

/**
 * For engines that divide by the temperature before they cut the distribution; this program does it after.
 * Then min-p is the same if it is raised to 1/temperature. (Top-p is the server's own.)
 */
export function temperedMinP({ minP, temperature }: SamplingParams): number {
  return temperature === 0 ? 0 : minP ** (1 / temperature);
}

/** Of several texts that were answered one by one. */
export function summedUsage(usages: readonly ServedUsage[]): ServedUsage {
  const sum = (read: (usage: ServedUsage) => number): number =>
    usages.reduce((total, usage) => total + read(usage), 0);
  return {
    readCount: sum(({ readCount }) => readCount),
    cachedCount: sum(({ cachedCount }) => cachedCount ?? 0),
    writtenCount: sum(({ writtenCount }) => writtenCount),
  };
}
