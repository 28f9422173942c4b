/**
 * A link on one machine: a TCP relay that passes on what both ends send as late as the link would. It
 * works on the bytes of the stream, cut into segments, so it suits every protocol over TCP. What the
 * kernel between real hosts would do besides (lost packets, congestion control) is not there.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Link } from '../direction.ts';
import { SEGMENT_BYTES } from '../packets.ts';
import { Lane } from './lane.ts';

export interface RelayOptions {
  readonly target: { readonly host: string; readonly port: number };
  readonly link: Link;
  readonly clock?: Clock | undefined;
}

export interface Relay extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Bytes of the streams that were passed on. */
  passedBytes(): { readonly up: number; readonly down: number };
}

/** All connections share the rates. Up is the direction to the target. */
export async function openRelay({
  target,
  link,
  clock = systemClock,
}: RelayOptions): Promise<Relay> {
  const up = new Lane(link.up, clock);
  const down = new Lane(link.down, clock);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ ...target, noDelay: true, allowHalfOpen: true });
    for (const [from, to, lane] of [
      [near, far, up],
      [far, near, down],
    ] as const) {
      sockets.add(from);
      pass(from, to, lane);
      // An error is followed by `close`: what broke on one side breaks on the other.
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        if (from.errored !== null || !from.readableEnded) to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    passedBytes: () => ({ up: up.passedBytes, down: down.passedBytes }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      up.close();
      down.close();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A source is paused while more of its bytes are on their way, as by a full window. */
const WINDOW_BYTES = 64 * 1024;

function pass(from: Socket, to: Socket, lane: Lane): void {
  let onTheirWay = 0;
  const deliver = (bytes: Uint8Array): void => {
    if (!to.destroyed) to.write(bytes);
    onTheirWay -= bytes.length;
    if (onTheirWay <= WINDOW_BYTES / 2) from.resume();
  };
  from.on('data', (chunk: Buffer) => {
    for (let start = 0; start < chunk.length; start += SEGMENT_BYTES) {
      const bytes = chunk.subarray(start, start + SEGMENT_BYTES);
      lane.send(bytes.length, () => deliver(bytes));
    }
    onTheirWay += chunk.length;
    if (onTheirWay > WINDOW_BYTES) from.pause();
  });
  from.on('end', () => lane.send(0, () => to.end()));
}
