import { expect, it } from 'vitest';
import { interfaceBytes, segmentCount, webSocketBytes } from './packets.ts';

it.each([
  [0, 6, 2],
  [125, 131, 127],
  [126, 134, 130],
  [65_535, 65_543, 65_539],
  [65_536, 65_550, 65_546],
])('a WebSocket message of %d bytes has %d from a device and %d from a hub', (size, up, down) => {
  expect(webSocketBytes(size, 'device')).toBe(up);
  expect(webSocketBytes(size, 'hub')).toBe(down);
});

it.each([
  [0, 0, 0],
  [1, 1, 67],
  [1448, 1, 1514],
  [1449, 2, 1581],
  [607_778, 420, 635_498],
])('%d bytes travel in %d packets of %d bytes together', (size, packets, bytes) => {
  expect(segmentCount(size)).toBe(packets);
  expect(interfaceBytes(size)).toBe(bytes);
});
