import type { ChatMessage } from '../core/chat-message.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { GrammarRequest } from '../grammar/grammar-request.ts';
import type { StrategyInput } from '../strategy/strategy-value.ts';

/** A request to an engine. Everything but the prompt has a default. */
export interface GenerateRequest {
  /** The conversation, rendered with the model's chat template; the last turn is the user's. */
  readonly messages?: readonly ChatMessage[] | undefined;
  /** A raw prompt instead, tokenised unchanged and without a template. */
  readonly prompt?: string | undefined;
  /**
   * Special tokens that the raw prompt spells out (`<|im_start|>`) are those tokens. Default false: they
   * are text, as they always are in messages.
   */
  readonly parseSpecial?: boolean | undefined;
  /** The prompt's tokens instead, in the large model's vocabulary. Exactly one of the three is given. */
  readonly promptTokenIds?: readonly number[] | undefined;
  /** `NAME` or `NAME@THRESHOLD`, or a value of `parseStrategy`; default `entropy`. */
  readonly strategy?: StrategyInput | undefined;
  /** Default: greedy. */
  readonly sampling?: Partial<SamplingParams> | undefined;
  /** Default 512. The context window may end the answer earlier. */
  readonly maxTokens?: number | undefined;
  /** Texts that end the answer; they are not part of it. At most `STOP_STRING_COUNT_MAX`. */
  readonly stop?: readonly string[] | undefined;
  /**
   * The grammar of the whole answer, under every strategy. Default: any text. Where a JSON schema asks
   * for more than a grammar can carry, tokens come only after the whole answer was found valid; an
   * invalid one is drawn again, up to `SCHEMA_REDRAW_COUNT_MAX` times.
   */
  readonly grammar?: GrammarRequest | undefined;
  /**
   * Any safe integer; default 0. The same seed gives the same text; under `speculative` with the
   * verifier `rejection` only at a fixed draft length.
   */
  readonly seed?: number | undefined;
  /** Fill in `logprob` of every token (one more pass over the vocabulary per row). Default false. */
  readonly logprobs?: boolean | undefined;
  /**
   * Also yield `draft` events: what is drafted before its verdict. Default false. Answers whose schema
   * must be checked have none.
   */
  readonly drafts?: boolean | undefined;
  /**
   * Begin with the prefixes that earlier requests left in the KV caches, and leave this request's own
   * text to later ones. Default true; false if a run must not depend on earlier runs.
   */
  readonly reusePrefix?: boolean | undefined;
  /**
   * How strategies that compare answers read them. Default: the last number; without one, the last line.
   */
  readonly finalAnswer?: ReadsFinalAnswer | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the final answer that a text states, in a form that is equal for equal answers; null if it
 * states none.
 */
export type ReadsFinalAnswer = (text: string) => string | null;
