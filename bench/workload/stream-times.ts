/**
 * The arrival times of the tokens of streams that began together, and the figures that follow: the speed
 * over everything, the speed while all streams were writing, and the waits for first tokens.
 */
import { median } from '../report/paired-statistics.ts';

/** Milliseconds from the common beginning at which each token of a stream arrived. */
export type StreamTimes = readonly number[];

export interface LoadTimes {
  /** From the beginning to the last token. */
  readonly totalMs: number;
  readonly tokensPerSecond: number;
  /**
   * Tokens per second from the moment every stream had its first token to the end of the first stream.
   */
  readonly steadyTokensPerSecond: number;
  readonly firstTokenMedianMs: number;
  readonly firstTokenWorstMs: number;
}

/** @param streams each with at least one token */
export function loadTimes(streams: readonly StreamTimes[]): LoadTimes {
  const firsts = streams.map((times) => times[0] ?? Number.NaN);
  const lasts = streams.map((times) => times.at(-1) ?? Number.NaN);
  const totalMs = Math.max(...lasts);
  const tokenCount = streams.reduce((sum, times) => sum + times.length, 0);
  const [from, to] = [Math.max(...firsts), Math.min(...lasts)];
  const steady = streams.flat().filter((ms) => ms > from && ms <= to).length;
  return {
    totalMs,
    tokensPerSecond: (tokenCount * 1000) / totalMs,
    steadyTokensPerSecond: to > from ? (steady * 1000) / (to - from) : Number.NaN,
    firstTokenMedianMs: median(firsts),
    firstTokenWorstMs: Math.max(...firsts),
  };
}

/** The median of each figure over repeated measurements of the same load. */
export function medianTimes(times: readonly LoadTimes[]): LoadTimes {
  const of = (pick: (one: LoadTimes) => number): number => median(times.map(pick));
  return {
    totalMs: of(({ totalMs }) => totalMs),
    tokensPerSecond: of(({ tokensPerSecond }) => tokensPerSecond),
    steadyTokensPerSecond: of(({ steadyTokensPerSecond }) => steadyTokensPerSecond),
    firstTokenMedianMs: of(({ firstTokenMedianMs }) => firstTokenMedianMs),
    firstTokenWorstMs: of(({ firstTokenWorstMs }) => firstTokenWorstMs),
  };
}
