/** The limits of a link, in one place. Both ends refuse what exceeds them before they allocate. */

/** In every frame. A program refuses frames of any other version. */
export const PROTOCOL_VERSION = 1;

/** A frame with a full distribution of 2^18 tokens has 1 MiB. */
export const FRAME_BYTE_COUNT_MAX: number = 2 * 2 ** 20;
/** Tokens of a prompt with its answer, and of what a device sends at once. */
export const TEXT_LENGTH_MAX: number = 2 ** 17;
/** The largest vocabularies of today have 2^18 tokens. */
export const VOCABULARY_SIZE_MAX: number = 2 ** 24;
/** Answers of a run that a device may be sent before it asks for more. */
export const RUN_LENGTH_MAX = 128;
/** The text of an error, in bytes of UTF-8. */
export const ERROR_TEXT_BYTE_COUNT_MAX = 500;

/** What a decoder accepts. */
export interface LinkLimits {
  /** The tokens of the vocabulary that both ends use; the frame `open` names its own. */
  readonly vocabularySize: number;
  readonly frameByteCountMax: number;
  /** Of the text of `open`, and of the un-synced ids of `transmit`. */
  readonly textLengthMax: number;
  /** Tokens that a compressed distribution keeps. */
  readonly keptCountMax: number;
}

export function linkLimits(vocabularySize: number): LinkLimits {
  return {
    vocabularySize,
    frameByteCountMax: FRAME_BYTE_COUNT_MAX,
    textLengthMax: TEXT_LENGTH_MAX,
    keptCountMax: vocabularySize,
  };
}
