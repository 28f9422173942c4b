import { type TokenId, tokenId } from '../core/token-id.ts';
import {
  canDraw,
  distributionByteCount,
  formOf,
  readDistribution,
  readForm,
  writeDistribution,
} from './draft-distribution.ts';
import type { FrameBody } from './frame-body.ts';
import { frameInvalid } from './frame-invalid.ts';
import type { TransmitMessage } from './messages.ts';
import { readTokenIds, tokenIdsByteCount, writeTokenIds } from './token-id-block.ts';

/** `sequence`, `epoch`, `from`, the form and the count of un-synced ids. */
const FIXED_BYTES: number = 4 + 4 + 4 + 1 + 3;

export const TRANSMIT_FRAME: FrameBody<TransmitMessage> = {
  byteCount({ unsynced, distribution }, vocabularySize) {
    const ids = tokenIdsByteCount(unsynced.length + 1, vocabularySize);
    return FIXED_BYTES + ids + distributionByteCount(distribution, vocabularySize);
  },

  write(writer, message, vocabularySize) {
    writer.unsigned(message.sequence, 4);
    writer.unsigned(message.epoch, 4);
    writer.unsigned(message.from, 4);
    writer.unsigned(formOf(message.distribution), 1);
    writer.unsigned(message.unsynced.length, 3);
    writeTokenIds(writer, [...message.unsynced, message.draft], vocabularySize);
    writeDistribution(writer, message.distribution, vocabularySize);
  },

  read(reader, limits) {
    const sequence = reader.unsigned('sequence', 4);
    const epoch = reader.unsigned('epoch', 4);
    const from = reader.unsigned('from', 4);
    const form = readForm(reader);
    const unsyncedCount = reader.unsigned('unsyncedCount', 3, limits.textLengthMax);
    const ids = readTokenIds(reader, 'ids', unsyncedCount + 1, limits.vocabularySize);
    const distribution = readDistribution(reader, form, limits);
    const draft: TokenId = ids[unsyncedCount] ?? tokenId(0);
    if (!canDraw(distribution, draft)) {
      throw frameInvalid('draft', draft, 'a token that its distribution gives a probability');
    }
    const unsynced = ids.slice(0, unsyncedCount);
    return { type: 'transmit', sequence, epoch, from, unsynced, draft, distribution };
  },
};
