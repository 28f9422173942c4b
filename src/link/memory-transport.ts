/** A connection within this process: two ends that share nothing but the bytes of frames. */
import { FrameQueue } from './frame-queue.ts';
import type { FrameTransport } from './frame-transport.ts';

export function memoryTransports(): readonly [FrameTransport, FrameTransport] {
  const [toA, toB] = [new FrameQueue(), new FrameQueue()];
  const close = (): void => {
    toA.end();
    toB.end();
  };
  const end = (incoming: FrameQueue, outgoing: FrameQueue): FrameTransport => ({
    send: (frame) => {
      if (!outgoing.push(frame.slice())) close();
    },
    frames: incoming,
    bufferedByteCount: 0,
    close,
  });
  return [end(toA, toB), end(toB, toA)];
}
