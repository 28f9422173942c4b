/** An exchange over a link, event by event: each message waits for the one before it in its direction. */
import type { Direction, Link } from './direction.ts';
import type { Exchange } from './exchange.ts';
import { interfaceBytes } from './packets.ts';

export interface Replayed {
  /** Until both ends have read the prompt. */
  readonly openedMs: number;
  /** Until the device has the last token. */
  readonly endMs: number;
}

export function replay({ opening, turns, isStreamed }: Exchange, link: Link): Replayed {
  const up = lane(link.up);
  const down = lane(link.down);
  const asked = opening.call === null ? 0 : up(0, opening.call.upBytes);
  const openedMs = Math.max(opening.deviceMs, asked + (opening.call?.hubMs ?? 0));
  let deviceAt = openedMs;
  let hubAt = openedMs;
  let arrivedAt = openedMs;
  for (const { deviceMs, call } of turns) {
    if (isStreamed) {
      hubAt += call?.hubMs ?? 0;
      arrivedAt = down(hubAt, call?.downBytes ?? 0);
      continue;
    }
    deviceAt += deviceMs;
    if (call !== null) {
      hubAt = up(deviceAt, call.upBytes) + call.hubMs;
      deviceAt = down(hubAt, call.downBytes);
    }
    arrivedAt = deviceAt;
  }
  return { openedMs, endMs: arrivedAt };
}

/** @returns a function of the time at which a message is ready, with the time of its arrival */
function lane(direction: Direction): (readyMs: number, byteCount: number) => number {
  let freeAt = 0;
  return (readyMs, byteCount) => {
    freeAt = direction.sentAtMs(Math.max(readyMs, freeAt), interfaceBytes(byteCount));
    return freeAt + direction.delayMs;
  };
}
