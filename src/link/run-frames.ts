/** The frames of runs: tokens that the hub writes without being asked for each. */
import type { FrameBody } from './frame-body.ts';
import { RUN_LENGTH_MAX } from './limits.ts';
import type { StoppedMessage, WriteMessage } from './messages.ts';
import { readTokenIds, tokenIdsByteCount, writeTokenIds } from './token-id-block.ts';

/** `sequence`, `epoch`, `from`, the count of answers and that of un-synced ids. */
const FIXED_BYTES: number = 4 + 4 + 4 + 1 + 3;

export const WRITE_FRAME: FrameBody<WriteMessage> = {
  byteCount: ({ unsynced }, vocabularySize) =>
    FIXED_BYTES + tokenIdsByteCount(unsynced.length, vocabularySize),

  write(writer, message, vocabularySize) {
    writer.unsigned(message.sequence, 4);
    writer.unsigned(message.epoch, 4);
    writer.unsigned(message.from, 4);
    writer.unsigned(message.countMax, 1);
    writer.unsigned(message.unsynced.length, 3);
    writeTokenIds(writer, message.unsynced, vocabularySize);
  },

  read(reader, limits) {
    const sequence = reader.unsigned('sequence', 4);
    const epoch = reader.unsigned('epoch', 4);
    const from = reader.unsigned('from', 4);
    const countMax = reader.unsigned('countMax', 1, RUN_LENGTH_MAX);
    const unsyncedCount = reader.unsigned('unsyncedCount', 3, limits.textLengthMax);
    const unsynced = readTokenIds(reader, 'ids', unsyncedCount, limits.vocabularySize);
    return { type: 'write', sequence, epoch, from, unsynced, countMax };
  },
};

export const STOPPED_FRAME: FrameBody<StoppedMessage> = {
  byteCount: () => 4,
  write: (writer, { sequence }) => writer.unsigned(sequence, 4),
  read: (reader) => ({ type: 'stopped', sequence: reader.unsigned('sequence', 4) }),
};
