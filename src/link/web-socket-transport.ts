/** A WebSocket as a transport of frames, at either end. One frame is one binary message. */
import type { WebSocket } from 'ws';
import { FrameQueue } from './frame-queue.ts';
import type { FrameTransport } from './frame-transport.ts';

/** How often the other end is asked whether it is still there. */
export const PING_MS = 15_000;

/** The codes of RFC 6455, section 7.4.1. */
const CLOSED_NORMALLY = 1000;
const NOT_BINARY = 1003;
const POLICY = 1008;

/**
 * Ends the connection of an end that does not answer a ping before the next is due.
 * @param options.pingMs 0: sends no pings
 */
export function webSocketTransport(
  socket: WebSocket,
  { pingMs = PING_MS }: { readonly pingMs?: number | undefined } = {},
): FrameTransport {
  const frames = new FrameQueue();
  let isAlive = true;
  const alive = (): void => {
    isAlive = true;
  };
  const ping = (): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (!isAlive) {
      socket.terminate();
      return;
    }
    isAlive = false;
    socket.ping();
  };
  const timer = pingMs > 0 ? setInterval(ping, pingMs) : undefined;
  // A process that has nothing else to do may end.
  timer?.unref();
  socket.on('message', (data: Buffer, isBinary) => {
    alive();
    if (!isBinary) socket.close(NOT_BINARY, 'frames are binary');
    else if (!frames.push(data)) socket.close(POLICY, 'too many frames');
  });
  socket.on('pong', alive);
  // The end of the connection follows.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(timer);
    frames.end();
  });
  return {
    send: (frame) => {
      if (socket.readyState === socket.OPEN) socket.send(frame);
    },
    frames,
    get bufferedByteCount() {
      return socket.bufferedAmount;
    },
    close: (reason) => {
      // The reader need not wait until the other end agrees.
      frames.end();
      socket.close(reason === undefined ? CLOSED_NORMALLY : POLICY, reason);
    },
  };
}
