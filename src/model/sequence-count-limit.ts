/** Sequences that one model can hold: what llama.cpp is built with (LLAMA_MAX_SEQ). */
export const SEQUENCE_COUNT_LIMIT = 256;
