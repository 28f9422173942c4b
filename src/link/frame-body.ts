import type { FrameReader } from './frame-reader.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LinkLimits } from './limits.ts';
import type { LinkMessage } from './messages.ts';

/** How one type of message is coded, without the byte that names version and type. */
export interface FrameBody<M extends LinkMessage> {
  byteCount(message: M, vocabularySize: number): number;
  /** Writes exactly `byteCount` bytes. */
  write(writer: FrameWriter, message: M, vocabularySize: number): void;
  /** @throws PilotfishError `frame-invalid` */
  read(reader: FrameReader, limits: LinkLimits): M;
}
