/**
 * The time of a scheme over a link of constant rates, from its totals alone. `replay` is the same event
 * by event.
 */
import { type LinkRates, sendingMs } from './direction.ts';
import type { Exchange } from './exchange.ts';
import { interfaceBytes } from './packets.ts';

/** Sums over tokens, after the prompt was read, of a scheme that drafts nothing ahead. */
export interface SchemeTotals {
  readonly tokenCount: number;
  /** Messages to the hub. */
  readonly callCount: number;
  readonly deviceMs: number;
  readonly hubMs: number;
  /** On the interface. */
  readonly upBytes: number;
  readonly downBytes: number;
  readonly isStreamed: boolean;
}

/** @param exchanges of one scheme, at least one */
export function totalsOf(exchanges: readonly Exchange[]): SchemeTotals {
  const turns = exchanges.flatMap((exchange) => exchange.turns);
  const calls = turns.flatMap(({ call }) => call ?? []);
  const isStreamed = exchanges.some((exchange) => exchange.isStreamed);
  const sent = isStreamed ? calls.filter(({ upBytes }) => upBytes > 0) : calls;
  return {
    tokenCount: turns.length,
    callCount: sent.length,
    deviceMs: isStreamed ? 0 : sum(turns.map(({ deviceMs }) => deviceMs)),
    hubMs: sum(calls.map(({ hubMs }) => hubMs)),
    upBytes: sum(sent.map(({ upBytes }) => interfaceBytes(upBytes))),
    downBytes: sum(calls.map(({ downBytes }) => interfaceBytes(downBytes))),
    isStreamed,
  };
}

/** Mean milliseconds of a token. */
export interface TokenTime {
  /** What the device takes while no answer is out. */
  readonly deviceMs: number;
  readonly hubMs: number;
  readonly linkMs: number;
  readonly ms: number;
}

export function tokenTime(totals: SchemeTotals, link: LinkRates): TokenTime {
  const { tokenCount, callCount, isStreamed } = totals;
  const deviceMs = totals.deviceMs / tokenCount;
  const hubMs = totals.hubMs / tokenCount;
  const downMs = sendingMs(totals.downBytes, link.downRate) / tokenCount;
  if (isStreamed) {
    // Tokens follow each other as the slower of hub and link lets them.
    const linkMs = Math.max(0, downMs - hubMs);
    return { deviceMs, hubMs, linkMs, ms: hubMs + linkMs };
  }
  const upMs = sendingMs(totals.upBytes, link.upRate) / tokenCount;
  const linkMs = (callCount * link.roundTripMs) / tokenCount + upMs + downMs;
  return { deviceMs, hubMs, linkMs, ms: deviceMs + hubMs + linkMs };
}

export function tokensPerSecond({ ms }: Pick<TokenTime, 'ms'>): number {
  return 1000 / ms;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
