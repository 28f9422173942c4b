import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LinkRates, steadyLink } from '../direction.ts';
import { interfaceBytes } from '../packets.ts';
import { openRelay, type Relay } from './relay.ts';

const FAST: LinkRates = { roundTripMs: 0, upRate: 1e9, downRate: 1e9 };

let server: Server;
let accepted: Socket[];
let relays: Relay[];

/** Sends back what it gets, and ends when its client does. */
beforeEach(async () => {
  accepted = [];
  relays = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const relay of relays) await relay[Symbol.asyncDispose]();
  for (const socket of accepted) socket.destroy();
  server.close();
  await once(server, 'close');
});

async function relayOver(rates: LinkRates): Promise<Relay> {
  const { port } = server.address() as AddressInfo;
  const relay = await openRelay({ target: { host: '127.0.0.1', port }, link: steadyLink(rates) });
  relays.push(relay);
  return relay;
}

function bytes(count: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => (at * 31 + seed * 17 + (at >> 8)) & 255);
}

/** Also after an error, which `once` would throw. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

async function echoed(port: number, sent: Uint8Array): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(sent);
  return await buffer(socket);
}

describe('a relay', () => {
  it('passes on all bytes of every connection, in order, and the ends', async () => {
    const relay = await relayOver(FAST);
    const sent = [0, 1, 1448, 1449, 300_000].map(bytes);
    const received = await Promise.all(sent.map((one) => echoed(relay.port, one)));
    for (const [index, one] of sent.entries()) {
      expect(received[index]?.equals(Buffer.from(one))).toBe(true);
    }
    expect(relay.passedBytes()).toEqual({ up: 302_898, down: 302_898 });
  });

  it('delivers nothing before the link would have', async () => {
    const relay = await relayOver({ roundTripMs: 60, upRate: 1e6, downRate: 4e6 });
    const socket = connect({ port: relay.port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    for (const count of [10, 3000]) {
      const startMs = performance.now();
      socket.write(bytes(count, 1));
      for (let left = count; left > 0; ) {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        left -= chunk.length;
      }
      // The way back of all but the last segment overlaps with the way up.
      const least = 60 + (8 * interfaceBytes(count)) / 1000;
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(least - 0.1);
    }
    socket.destroy();
  });

  it('shares the rate among connections', async () => {
    const relay = await relayOver({ ...FAST, upRate: 1e6 });
    const startMs = performance.now();
    const sent = [1, 2, 3].map((seed) => bytes(1448, seed));
    await Promise.all(sent.map((one) => echoed(relay.port, one)));
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(3 * 8 * 1.514 - 0.1);
  });

  it('breaks on one side if the other breaks', async () => {
    const relay = await relayOver(FAST);
    const socket = connect({ port: relay.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.write('x');
    await once(socket, 'data');
    accepted[0]?.resetAndDestroy();
    await closed(socket);
    const other = connect({ port: relay.port, host: '127.0.0.1' });
    other.write('x');
    await once(other, 'data');
    other.resetAndDestroy();
    const [, second] = accepted;
    if (second?.closed === false) await closed(second);
    expect(accepted.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });

  it('ends its connections when it closes', async () => {
    const relay = await relayOver({ ...FAST, roundTripMs: 10_000 });
    const socket = connect({ port: relay.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.write('x');
    await once(server, 'connection');
    const ended = closed(socket);
    await relay[Symbol.asyncDispose]();
    await ended;
    relays = [];
  });

  it('refuses connections that its target refuses', async () => {
    const relay = await relayOver(FAST);
    server.close();
    await once(server, 'close');
    const socket = connect({ port: relay.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    await closed(socket);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
});
