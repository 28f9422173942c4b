import { tokenId } from '../core/token-id.ts';
import type { FrameBody } from './frame-body.ts';
import { frameInvalid } from './frame-invalid.ts';
import type { FrameReader } from './frame-reader.ts';
import type { AnswerMessage } from './messages.ts';
import { readTokenIds, tokenIdsByteCount, writeTokenIds } from './token-id-block.ts';

/** Flags, sequence, position, two times and two counts. */
const FIXED_BYTES: number = 1 + 4 + 4 + 4 + 4 + 4 + 2;
const LOGPROB_BYTES = 4;

const ACCEPTED = 1;
const HAS_LOGPROB = 2;

export const ANSWER_FRAME: FrameBody<AnswerMessage> = {
  byteCount({ logprob }, vocabularySize) {
    const optional = logprob === null ? 0 : LOGPROB_BYTES;
    return FIXED_BYTES + tokenIdsByteCount(1, vocabularySize) + optional;
  },

  write(writer, message, vocabularySize) {
    const { isAccepted, logprob } = message;
    writer.unsigned((isAccepted ? ACCEPTED : 0) | (logprob === null ? 0 : HAS_LOGPROB), 1);
    writer.unsigned(message.sequence, 4);
    writer.unsigned(message.position, 4);
    writeTokenIds(writer, [message.tokenId], vocabularySize);
    writer.single(message.computeMs);
    writer.single(message.waitedMs);
    writer.unsigned(message.rowCount, 4);
    writer.unsigned(message.forwardCount, 2);
    if (logprob !== null) writer.single(logprob);
  },

  read(reader, { vocabularySize }) {
    const flags = reader.unsigned('flags', 1, ACCEPTED | HAS_LOGPROB);
    const sequence = reader.unsigned('sequence', 4);
    const position = reader.unsigned('position', 4);
    const [id = tokenId(0)] = readTokenIds(reader, 'tokenId', 1, vocabularySize);
    return {
      type: 'answer',
      sequence,
      position,
      tokenId: id,
      isAccepted: (flags & ACCEPTED) !== 0,
      computeMs: readTime(reader, 'computeMs'),
      waitedMs: readTime(reader, 'waitedMs'),
      rowCount: reader.unsigned('rowCount', 4),
      forwardCount: reader.unsigned('forwardCount', 2),
      logprob: (flags & HAS_LOGPROB) === 0 ? null : reader.single('logprob'),
    };
  },
};

function readTime(reader: FrameReader, field: string): number {
  const time = reader.single(field);
  if (time < 0) throw frameInvalid(field, time, 'a number from 0 up');
  return time;
}
