/**
 * The piece of text that a method decides about at once. A draft is a token of the small model that the
 * large one may accept.
 */
export type Unit = 'token' | 'draft' | 'step' | 'query';
