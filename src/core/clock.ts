/** Time as a dependency, so that tests own it. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => performance.now() };
