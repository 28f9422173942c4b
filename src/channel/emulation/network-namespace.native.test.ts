import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { PACKET_HEADER_BYTES, SEGMENT_BYTES, segmentCount } from '../packets.ts';
import { type NetworkNamespace, openNetworkNamespace } from './network-namespace.ts';

const LINK = { roundTripMs: 2, upRate: 1e9, downRate: 1e9 };
const BYTE_COUNT = 200_000;

const ECHO = `
  const server = require('node:net').createServer((socket) => socket.pipe(socket));
  server.listen(0, process.argv[1], () => console.log(server.address().port));
`;

async function echoIn({ host, inside }: NetworkNamespace): Promise<[ChildProcess, number]> {
  const [program, ...args] = inside([process.execPath, '-e', ECHO, host]);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return [child, Number(line)];
}

it('counts the packets of real sockets, or says why there are none', async () => {
  const opened = await openNetworkNamespace(LINK);
  if (typeof opened === 'string') {
    expect(opened).toMatch(/root|no network namespaces|missing|failed/);
    return;
  }
  await using namespace = opened;
  const [echo, port] = await echoIn(namespace);
  try {
    const before = await namespace.counts();
    const socket = connect({ port, host: namespace.host });
    socket.end(Buffer.alloc(BYTE_COUNT, 7));
    expect((await buffer(socket)).equals(Buffer.alloc(BYTE_COUNT, 7))).toBe(true);
    const after = await namespace.counts();
    for (const way of ['up', 'down'] as const) {
      const packets = after[way].packets - before[way].packets;
      const bytes = after[way].bytes - before[way].bytes;
      expect(packets).toBeGreaterThanOrEqual(segmentCount(BYTE_COUNT));
      // Connecting takes packets with longer headers, and address resolution shorter ones.
      const headers = packets * PACKET_HEADER_BYTES;
      expect(bytes).toBeGreaterThan(0.99 * (BYTE_COUNT + headers));
      // On a busy machine segments are sent again. None is larger than a segment.
      expect(bytes).toBeLessThan(1.01 * (packets * SEGMENT_BYTES + headers));
    }
    expect(namespace.netemRefusal ?? 'netem').toContain('netem');
  } finally {
    echo.kill('SIGKILL');
    await once(echo, 'exit');
  }
});
