/**
 * The binary frames of a link: one frame is one WebSocket message. The first byte of every frame holds
 * the version (high four bits) and the type (low four bits); docs/LINK.md has the fields. A message has
 * exactly one frame, and a frame that decodes encodes to the same bytes.
 */
import { ANSWER_FRAME } from './answer-frame.ts';
import { ERROR_FRAME } from './error-frame.ts';
import type { FrameBody } from './frame-body.ts';
import { frameInvalid } from './frame-invalid.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { type LinkLimits, PROTOCOL_VERSION } from './limits.ts';
import type { DeviceMessage, HubMessage, LinkMessage } from './messages.ts';
import { OPEN_FRAME } from './open-frame.ts';
import { CLOSE_FRAME, DRAIN_FRAME, OPENED_FRAME, RESUME_FRAME } from './request-frames.ts';
import { STOPPED_FRAME, WRITE_FRAME } from './run-frames.ts';
import { TRANSMIT_FRAME } from './transmit-frame.ts';

interface Frame<M extends LinkMessage> {
  /** In the first byte of a frame. */
  readonly number: number;
  readonly body: FrameBody<M>;
}

type Frames<M extends LinkMessage> = {
  readonly [T in M['type']]: Frame<Extract<M, { readonly type: T }>>;
};

const DEVICE_FRAMES: Frames<DeviceMessage> = {
  open: { number: 1, body: OPEN_FRAME },
  transmit: { number: 2, body: TRANSMIT_FRAME },
  resume: { number: 3, body: RESUME_FRAME },
  close: { number: 4, body: CLOSE_FRAME },
  write: { number: 5, body: WRITE_FRAME },
};

const HUB_FRAMES: Frames<HubMessage> = {
  opened: { number: 8, body: OPENED_FRAME },
  answer: { number: 9, body: ANSWER_FRAME },
  error: { number: 10, body: ERROR_FRAME },
  drain: { number: 11, body: DRAIN_FRAME },
  stopped: { number: 12, body: STOPPED_FRAME },
};

const FRAMES: Frames<LinkMessage> = { ...DEVICE_FRAMES, ...HUB_FRAMES };

const VERSION_SHIFT = 4;
const TYPE_MASK = 15;

/** @param vocabularySize that both ends use; `open` uses its own */
export function encode(message: LinkMessage, vocabularySize: number): Uint8Array<ArrayBuffer> {
  const { number, body }: Frame<LinkMessage> = FRAMES[message.type];
  const writer = new FrameWriter(frameSize(message, vocabularySize));
  writer.unsigned((PROTOCOL_VERSION << VERSION_SHIFT) | number, 1);
  body.write(writer, message, vocabularySize);
  return writer.finish();
}

/** The length of `encode(message, vocabularySize)` in bytes. */
export function frameSize(message: LinkMessage, vocabularySize: number): number {
  const { body }: Frame<LinkMessage> = FRAMES[message.type];
  return 1 + body.byteCount(message, vocabularySize);
}

/** @throws PilotfishError `frame-invalid`, naming field and value; `version` if that is the field */
export function decodeFromDevice(bytes: Uint8Array, limits: LinkLimits): DeviceMessage {
  return decode(bytes, limits, Object.values<Frame<DeviceMessage>>(DEVICE_FRAMES));
}

/** @throws PilotfishError `frame-invalid`, naming field and value; `version` if that is the field */
export function decodeFromHub(bytes: Uint8Array, limits: LinkLimits): HubMessage {
  return decode(bytes, limits, Object.values<Frame<HubMessage>>(HUB_FRAMES));
}

function decode<M extends LinkMessage>(
  bytes: Uint8Array,
  limits: LinkLimits,
  frames: readonly Frame<M>[],
): M {
  if (bytes.length > limits.frameByteCountMax) {
    throw frameInvalid('length', bytes.length, `at most ${limits.frameByteCountMax} bytes`);
  }
  const reader = new FrameReader(bytes);
  const header = reader.unsigned('header', 1);
  const version = header >> VERSION_SHIFT;
  if (version !== PROTOCOL_VERSION) {
    throw frameInvalid('version', version, `${PROTOCOL_VERSION}, which this program speaks`);
  }
  const type = header & TYPE_MASK;
  const frame = frames.find(({ number }) => number === type);
  if (frame === undefined) {
    const numbers = frames.map(({ number }) => number).join(', ');
    throw frameInvalid('type', type, `one of ${numbers}`);
  }
  const message = frame.body.read(reader, limits);
  reader.end();
  return message;
}
