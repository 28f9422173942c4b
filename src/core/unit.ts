/** The piece of text that a method decides about at once. */
export type Unit = 'token' | 'step' | 'query';
