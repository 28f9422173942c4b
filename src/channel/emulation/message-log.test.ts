import { expect, it } from 'vitest';
import { memoryTransports } from '../../link/memory-transport.ts';
import { carriedSince, MessageLog } from './message-log.ts';

it('counts messages both ways with their headers, and the time until each arrives', async () => {
  let nowMs = 5;
  const log = new MessageLog({ nowMs: () => nowMs });
  const [near, far] = memoryTransports();
  const watched = log.watch(near);
  watched.send(new Uint8Array(200));
  nowMs = 25;
  far.send(new Uint8Array(10));
  for await (const frame of watched.frames) {
    expect(frame).toHaveLength(10);
    break;
  }
  const first = log.total;
  expect(first).toEqual({
    sentCount: 1,
    upBytes: 208,
    receivedCount: 1,
    downBytes: 12,
    waitedMs: 20,
  });
  watched.send(new Uint8Array(1));
  expect(carriedSince(log.total, first)).toEqual({
    ...{ sentCount: 1, upBytes: 7, receivedCount: 0, downBytes: 0, waitedMs: 0 },
  });
  watched.close();
  for await (const frame of far.frames) expect([200, 1]).toContain(frame.length);
});
