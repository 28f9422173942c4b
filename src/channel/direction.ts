/** One direction of a link: how long a message is on its way. */

export interface Direction {
  /** Milliseconds from the sending of a bit to its arrival. */
  readonly delayMs: number;
  /** @returns when the last bit of the bytes has been sent, if the first one is sent at `startMs` */
  sentAtMs(startMs: number, byteCount: number): number;
}

export interface Link {
  readonly up: Direction;
  readonly down: Direction;
}

/** A link of constant rates. Rates are in bits per second. */
export interface LinkRates {
  readonly roundTripMs: number;
  readonly upRate: number;
  readonly downRate: number;
}

const BITS = 8;
const MS_PER_SECOND = 1000;

/** Milliseconds that a constant rate takes for the bytes, without the delay. */
export function sendingMs(byteCount: number, bitsPerSecond: number): number {
  return (byteCount * BITS * MS_PER_SECOND) / bitsPerSecond;
}

/** Each direction has half of the round trip for its delay. */
export function steadyLink({ roundTripMs, upRate, downRate }: LinkRates): Link {
  const direction = (rate: number): Direction => ({
    delayMs: roundTripMs / 2,
    sentAtMs: (startMs, byteCount) => startMs + sendingMs(byteCount, rate),
  });
  return { up: direction(upRate), down: direction(downRate) };
}
