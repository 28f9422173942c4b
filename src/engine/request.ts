import type { ChatMessage } from '../core/chat-message.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { GrammarRequest } from '../grammar/grammar-request.ts';
import type { StrategyInput } from '../strategy/strategy-value.ts';

/** What a caller asks of an engine. Everything but the prompt has a default. */
export interface GenerateRequest {
  /** The conversation, rendered with the model's chat template; the last turn is the user's. */
  readonly messages?: readonly ChatMessage[] | undefined;
  /** A raw prompt instead: tokenised as it is, no template. */
  readonly prompt?: string | undefined;
  /** The prompt's tokens instead, of the large model's vocabulary. Exactly one of the three is given. */
  readonly promptTokenIds?: readonly number[] | undefined;
  /** `NAME` or `NAME@THRESHOLD`, or what `parseStrategy` made of it; default `entropy`. */
  readonly strategy?: StrategyInput | undefined;
  /** Default: greedy. */
  readonly sampling?: Partial<SamplingParams> | undefined;
  /** Default 512; the context window may end the answer earlier. */
  readonly maxTokens?: number | undefined;
  /** Texts that end the answer; they are not part of it. At most `STOP_STRING_COUNT_MAX`. */
  readonly stop?: readonly string[] | undefined;
  /** The form that the whole answer has, under every strategy. Default: any text. */
  readonly grammar?: GrammarRequest | undefined;
  /**
   * Any safe integer; default 0. The same seed gives the same text; under `speculative` with the
   * verifier `rejection` only at a fixed draft length.
   */
  readonly seed?: number | undefined;
  /** Fill in `logprob` of every token (a pass over the vocabulary more per row). Default false. */
  readonly logprobs?: boolean | undefined;
  /**
   * Begin with what earlier requests with the same beginning left in the KV caches, and leave what
   * this one reads. Default true; false where a run must not depend on earlier ones.
   */
  readonly reusePrefix?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}
