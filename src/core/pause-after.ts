/** Pauses between attempts at what has failed. */
export interface PauseLimits {
  /** The first pause; each further one is twice as long, up to the maximum. */
  readonly pauseMs: number;
  readonly pauseMaxMs: number;
}

/**
 * The pause before the next attempt after `failureCount` failures in a row, with jitter: half of it is
 * random, so that many clients that failed together do not come back in step.
 * @param random from 0 to 1
 */
export function pauseAfter(
  failureCount: number,
  { pauseMs, pauseMaxMs }: PauseLimits,
  random: number,
): number {
  const whole = Math.min(pauseMaxMs, pauseMs * 2 ** (failureCount - 1));
  return whole * (0.5 + 0.5 * random);
}
