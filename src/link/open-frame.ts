import type { FrameBody } from './frame-body.ts';
import { frameInvalid } from './frame-invalid.ts';
import type { FrameReader } from './frame-reader.ts';
import { VOCABULARY_SIZE_MAX } from './limits.ts';
import type { OpenMessage } from './messages.ts';
import { REQUEST_ID_BYTES } from './request-id.ts';
import { readSampling, samplingByteCount, writeSampling } from './sampling-fields.ts';
import { readTokenIds, tokenIdsByteCount, writeTokenIds } from './token-id-block.ts';

const DIGEST_BYTES = 32;
/** Request id, digest, size, seed, flags, the prompt's length and the text's. */
const FIXED_BYTES: number = REQUEST_ID_BYTES + DIGEST_BYTES + 4 + 8 + 1 + 4 + 4;

const WANTS_LOGPROBS = 1;
const SHARED_NOISE = 2;

/** Its ids are coded for the vocabulary that it names: the hub compares that with its own. */
export const OPEN_FRAME: FrameBody<OpenMessage> = {
  byteCount({ vocabulary, sampling, text }) {
    const ids = tokenIdsByteCount(text.length, vocabulary.size);
    return FIXED_BYTES + samplingByteCount(sampling, vocabulary.size) + ids;
  },

  write(writer, message) {
    const { vocabulary, wantsLogprobs, noise, text } = message;
    writer.hex(message.requestId, REQUEST_ID_BYTES);
    writer.hex(vocabulary.digest, DIGEST_BYTES);
    writer.unsigned(vocabulary.size, 4);
    writer.double(message.seed);
    writeSampling(writer, message.sampling, vocabulary.size);
    writer.unsigned(
      (wantsLogprobs ? WANTS_LOGPROBS : 0) | (noise === 'shared' ? SHARED_NOISE : 0),
      1,
    );
    writer.unsigned(message.promptLength, 4);
    writer.unsigned(text.length, 4);
    writeTokenIds(writer, text, vocabulary.size);
  },

  read(reader, { textLengthMax }) {
    const requestId = reader.hex('requestId', REQUEST_ID_BYTES);
    const digest = reader.hex('vocabulary.digest', DIGEST_BYTES);
    const size = reader.unsigned('vocabulary.size', 4, VOCABULARY_SIZE_MAX);
    if (size === 0) throw frameInvalid('vocabulary.size', 0, 'at least 1');
    const seed = readSeed(reader);
    const sampling = readSampling(reader, size);
    const flags = reader.unsigned('flags', 1, WANTS_LOGPROBS | SHARED_NOISE);
    const promptLength = reader.unsigned('promptLength', 4);
    const textLength = reader.unsigned('textLength', 4, textLengthMax);
    if (promptLength === 0 || promptLength > textLength) {
      throw frameInvalid('promptLength', promptLength, `from 1 to the text's ${textLength}`);
    }
    return {
      type: 'open',
      requestId,
      vocabulary: { digest, size },
      sampling,
      seed,
      wantsLogprobs: (flags & WANTS_LOGPROBS) !== 0,
      noise: (flags & SHARED_NOISE) === 0 ? 'independent' : 'shared',
      promptLength,
      text: readTokenIds(reader, 'text', textLength, size),
    };
  },
};

function readSeed(reader: FrameReader): number {
  const seed = reader.double('seed');
  if (!Number.isSafeInteger(seed)) throw frameInvalid('seed', seed, 'a safe integer');
  return seed;
}
