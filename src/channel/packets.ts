/**
 * From a frame to the bytes on an interface: the WebSocket header, then the headers of TCP, IP and
 * Ethernet on every segment.
 */

/** A device masks its frames with 4 bytes, as RFC 6455 demands of clients; a hub does not. */
export type Sender = 'device' | 'hub';

const MASK_BYTES = 4;
/** Of the lengths that fit 7 and 16 bits (RFC 6455, section 5.2). */
const SHORT_MAX = 125;
const MEDIUM_MAX = 65_535;

/** The bytes of a binary WebSocket message in one frame, without compression. */
export function webSocketBytes(frameByteCount: number, sender: Sender): number {
  const length = frameByteCount <= SHORT_MAX ? 2 : frameByteCount <= MEDIUM_MAX ? 4 : 10;
  return length + (sender === 'device' ? MASK_BYTES : 0) + frameByteCount;
}

/** Ethernet 14, IPv4 20, TCP 20 with 12 of time stamps, in each packet. */
export const PACKET_HEADER_BYTES: number = 14 + 20 + 20 + 12;
/** An Ethernet frame carries 1,500 bytes, of which IPv4 and TCP take 52. */
export const SEGMENT_BYTES = 1448;

/** Packets that carry the bytes of one message, acknowledgements not counted. */
export function segmentCount(byteCount: number): number {
  return Math.ceil(byteCount / SEGMENT_BYTES);
}

/** The bytes of one message on the interface, with the headers of its packets. */
export function interfaceBytes(byteCount: number): number {
  return byteCount + segmentCount(byteCount) * PACKET_HEADER_BYTES;
}
