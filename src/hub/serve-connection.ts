/** Joins a connection to a hub: frames in, frames out. */
import { PilotfishError } from '../core/errors.ts';
import { decodeFromDevice, encode } from '../link/codec.ts';
import type { FrameTransport } from '../link/frame-transport.ts';
import { linkLimits } from '../link/limits.ts';
import type { HubMessage } from '../link/messages.ts';
import type { Hub } from './hub.ts';

/** What a device may leave unread; more means that it does not read. */
export const UNREAD_BYTE_COUNT_MAX: number = 4 * 2 ** 20;

/**
 * Serves a device until its connection ends. Invalid frames are answered with their error; after a few
 * of them, and after one of another version, the connection is closed.
 * @param owner as for `Hub.connect`
 */
export async function serveConnection(
  hub: Hub,
  transport: FrameTransport,
  owner: string,
): Promise<void> {
  let invalidCount = 0;
  let vocabularySize = (): number => hub.facts.vocabularySize;
  const send = (message: HubMessage): void => {
    transport.send(encode(message, vocabularySize()));
    if (transport.bufferedByteCount > UNREAD_BYTE_COUNT_MAX) transport.close('does not read');
  };
  const connection = hub.connect(owner, send);
  vocabularySize = () => connection.vocabularySize;
  try {
    for await (const frame of transport.frames) {
      try {
        connection.receive(decodeFromDevice(frame, linkLimits(connection.vocabularySize)));
      } catch (error) {
        if (!PilotfishError.isInstance(error) || error.code !== 'frame-invalid') throw error;
        hub.refused();
        invalidCount += 1;
        const isOther = error.fields['field'] === 'version';
        const code = isOther ? 'protocol-version' : 'frame-invalid';
        send({ type: 'error', code, sequence: null, message: error.message });
        if (isOther || invalidCount > hub.limits.invalidFrameCountMax) transport.close(code);
      }
    }
  } finally {
    connection.end();
    transport.close();
  }
}
