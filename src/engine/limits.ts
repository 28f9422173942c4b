/** The limits of requests, in one place. */
export const MAX_TOKENS_DEFAULT = 512;
/** Characters of a prompt before it is tokenised; a context window holds far fewer. */
export const PROMPT_LENGTH_MAX = 4_000_000;
/** Requests that use one model at once, if its KV cache has room for them. */
export const RUNNING_REQUEST_COUNT_MAX = 16;
/** Requests that may wait for room; one more is refused as `engine-busy`. */
export const WAITING_REQUEST_COUNT_MAX = 256;

/** The times that an answer which violates its schema is drawn again. */
export const SCHEMA_REDRAW_COUNT_MAX = 3;
/** The temperature of these draws where the request is greedy. */
export const REDRAW_TEMPERATURE = 0.7;

/**
 * The tokens that are reserved for a judge's own text of an answer with its prompt: its instructions,
 * what stands around each step, and a vocabulary that may need more tokens.
 */
export function judgedLength(tokenCount: number): number {
  return 2 * tokenCount + 256;
}
