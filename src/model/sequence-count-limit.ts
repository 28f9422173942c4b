/** The most sequences of one model: llama.cpp is built with this limit (LLAMA_MAX_SEQ). */
export const SEQUENCE_COUNT_LIMIT = 256;
