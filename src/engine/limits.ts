/** The limits of requests, in one place. */
export const MAX_TOKENS_DEFAULT = 512;
/** Characters of a prompt before it is tokenised; a context window holds far fewer. */
export const PROMPT_LENGTH_MAX = 4_000_000;
/** Requests that may wait while one runs. */
export const WAITING_REQUEST_COUNT_MAX = 256;
