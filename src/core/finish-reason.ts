/**
 * Why a request ended: the model ended it, a stop string appeared, the requested number of tokens
 * was reached, or the context window is full.
 */
export type FinishReason = 'end-of-generation' | 'stop-string' | 'token-limit' | 'context-limit';
