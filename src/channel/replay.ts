/** Exchanges over a link, event by event: each message waits for the one before it in its direction. */
import type { Direction, Link } from './direction.ts';
import type { Exchange, Turn } from './exchange.ts';
import { interfaceBytes } from './packets.ts';
import type { TokenTime } from './scheme-time.ts';

export interface Replayed {
  /** Until both ends have read the prompt. */
  readonly openedMs: number;
  /** Until the device has the last token. */
  readonly endMs: number;
  /** In which an answer was out. */
  readonly outMs: number;
}

export function replay(exchange: Exchange, link: Link): Replayed {
  const { opening, turns } = exchange;
  const up = lane(link.up);
  const down = lane(link.down);
  const asked = opening.call === null ? 0 : up(0, opening.call.upBytes);
  const openedMs = Math.max(opening.deviceMs, asked + (opening.call?.hubMs ?? 0));
  if (exchange.isStreamed) return { openedMs, endMs: streamed(turns, openedMs, down), outMs: 0 };
  let at = openedMs;
  let outMs = 0;
  let draftedCount = 0;
  for (const [index, { deviceMs, call }] of turns.entries()) {
    if (draftedCount > 0) draftedCount -= 1;
    else at += deviceMs;
    if (call === null) continue;
    const answeredAt = down(up(at, call.upBytes) + call.hubMs, call.downBytes);
    outMs += answeredAt - at;
    const ahead = draftedAhead(exchange, index, { at, answeredAt });
    draftedCount = ahead.count;
    at = Math.max(answeredAt, ahead.at);
  }
  return { openedMs, endMs: at, outMs };
}

function streamed(turns: readonly Turn[], openedMs: number, down: Lane): number {
  let hubAt = openedMs;
  let arrivedAt = openedMs;
  for (const { call } of turns) {
    hubAt += call?.hubMs ?? 0;
    arrivedAt = down(hubAt, call?.downBytes ?? 0);
  }
  return arrivedAt;
}

interface Wait {
  readonly at: number;
  readonly answeredAt: number;
}

interface Ahead {
  /** Tokens that need not be drafted any more. */
  readonly count: number;
  /** When the device has ended the last draft. A draft under way is not given up. */
  readonly at: number;
}

/** Drafts behind a draft that is rejected are in vain; they take what an average token takes. */
function draftedAhead({ turns, aheadCount }: Exchange, index: number, wait: Wait): Ahead {
  let { at } = wait;
  if (turns[index]?.call?.isAccepted !== true) {
    const mean = turns.reduce((sum, { deviceMs }) => sum + deviceMs, 0) / turns.length;
    const count = Math.min(aheadCount, Math.ceil((wait.answeredAt - at) / mean));
    return { count: 0, at: mean > 0 ? at + count * mean : at };
  }
  let count = 0;
  for (const { deviceMs, call } of turns.slice(index + 1, index + 1 + aheadCount)) {
    if (at >= wait.answeredAt) break;
    at += deviceMs;
    count += 1;
    if (call !== null) break;
  }
  return { count, at };
}

/** @returns the mean time of a token; each exchange has a link of its own */
export function replayedTime(
  exchanges: readonly Exchange[],
  linkOf: (index: number) => Link,
): TokenTime {
  const total = { tokenCount: 0, ms: 0, outMs: 0, hubMs: 0 };
  for (const [index, exchange] of exchanges.entries()) {
    const { openedMs, endMs, outMs } = replay(exchange, linkOf(index));
    total.tokenCount += exchange.turns.length;
    total.ms += endMs - openedMs;
    total.outMs += outMs;
    for (const { call } of exchange.turns) total.hubMs += call?.hubMs ?? 0;
  }
  const mean = (sum: number): number => sum / total.tokenCount;
  const [ms, hubMs] = [mean(total.ms), mean(total.hubMs)];
  if (exchanges.some(({ isStreamed }) => isStreamed)) {
    return { ms, hubMs, deviceMs: 0, linkMs: ms - hubMs };
  }
  const outMs = mean(total.outMs);
  return { ms, hubMs, deviceMs: ms - outMs, linkMs: outMs - hubMs };
}

/** @returns when a message arrives that is ready at a time */
type Lane = (readyMs: number, byteCount: number) => number;

function lane(direction: Direction): Lane {
  let freeAt = 0;
  return (readyMs, byteCount) => {
    freeAt = direction.sentAtMs(Math.max(readyMs, freeAt), interfaceBytes(byteCount));
    return freeAt + direction.delayMs;
  };
}
