import { required } from '../core/invariant.ts';
import type { FrameBody } from './frame-body.ts';
import { frameRefused } from './frame-invalid.ts';
import type { FrameReader } from './frame-reader.ts';
import { ERROR_TEXT_BYTE_COUNT_MAX } from './limits.ts';
import { type ErrorMessage, LINK_ERROR_CODES } from './messages.ts';

/** Code, whether a sequence follows, and the length of the message. */
const FIXED_BYTES: number = 1 + 1 + 2;
const SEQUENCE_BYTES = 4;

export const ERROR_FRAME: FrameBody<ErrorMessage> = {
  byteCount({ sequence, message }) {
    return FIXED_BYTES + (sequence === null ? 0 : SEQUENCE_BYTES) + textBytes(message).length;
  },

  write(writer, { sequence, code, message }) {
    const bytes = textBytes(message);
    writer.unsigned(LINK_ERROR_CODES.indexOf(code), 1);
    writer.unsigned(sequence === null ? 0 : 1, 1);
    if (sequence !== null) writer.unsigned(sequence, SEQUENCE_BYTES);
    writer.unsigned(bytes.length, 2);
    writer.bytes(bytes);
  },

  read(reader) {
    const code = reader.unsigned('code', 1, LINK_ERROR_CODES.length - 1);
    const hasSequence = reader.unsigned('hasSequence', 1, 1) === 1;
    return {
      type: 'error',
      code: required(LINK_ERROR_CODES[code], 'a code in the list'),
      sequence: hasSequence ? reader.unsigned('sequence', SEQUENCE_BYTES) : null,
      message: readText(reader),
    };
  },
};

/** A message in UTF-8, cut between two characters where it is too long. */
function textBytes(message: string): Uint8Array {
  const buffer = new Uint8Array(ERROR_TEXT_BYTE_COUNT_MAX);
  const { written } = new TextEncoder().encodeInto(message, buffer);
  return buffer.subarray(0, written);
}

function readText(reader: FrameReader): string {
  const length = reader.unsigned('messageByteCount', 2, ERROR_TEXT_BYTE_COUNT_MAX);
  const bytes = reader.bytes('message', length);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw frameRefused('message is not UTF-8', { field: 'message', value: length, cause });
  }
}
