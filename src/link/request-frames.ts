/** The frames that name a request and little else. */
import type { FrameBody } from './frame-body.ts';
import type { CloseMessage, DrainMessage, OpenedMessage, ResumeMessage } from './messages.ts';
import { REQUEST_ID_BYTES } from './request-id.ts';

export const RESUME_FRAME: FrameBody<ResumeMessage> = {
  byteCount: () => REQUEST_ID_BYTES + 4 + 4,
  write(writer, { requestId, length, epoch }) {
    writer.hex(requestId, REQUEST_ID_BYTES);
    writer.unsigned(length, 4);
    writer.unsigned(epoch, 4);
  },
  read: (reader) => ({
    type: 'resume',
    requestId: reader.hex('requestId', REQUEST_ID_BYTES),
    length: reader.unsigned('textLength', 4),
    epoch: reader.unsigned('epoch', 4),
  }),
};

export const CLOSE_FRAME: FrameBody<CloseMessage> = {
  byteCount: () => REQUEST_ID_BYTES,
  write: (writer, { requestId }) => writer.hex(requestId, REQUEST_ID_BYTES),
  read: (reader) => ({ type: 'close', requestId: reader.hex('requestId', REQUEST_ID_BYTES) }),
};

export const OPENED_FRAME: FrameBody<OpenedMessage> = {
  byteCount: () => REQUEST_ID_BYTES + 4,
  write(writer, { requestId, length }) {
    writer.hex(requestId, REQUEST_ID_BYTES);
    writer.unsigned(length, 4);
  },
  read: (reader) => ({
    type: 'opened',
    requestId: reader.hex('requestId', REQUEST_ID_BYTES),
    length: reader.unsigned('textLength', 4),
  }),
};

export const DRAIN_FRAME: FrameBody<DrainMessage> = {
  byteCount: () => 0,
  write: () => {},
  read: () => ({ type: 'drain' }),
};
