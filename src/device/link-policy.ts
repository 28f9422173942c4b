/** How a device treats a link that is slow, broken or away. */
export interface LinkPolicy {
  /** While the hub is away: `small` goes on with the small model alone, `stop` ends the request. */
  readonly offline: 'small' | 'stop';
  /** How long a request waits for the link to come back, before it goes on alone or ends. */
  readonly patienceMs: number;
  /** The longest wait for a connection, and for an answer. */
  readonly connectMs: number;
  readonly answerMs: number;
  /** The first pause before a reconnection; each further one is twice as long, up to the maximum. */
  readonly pauseMs: number;
  readonly pauseMaxMs: number;
}

const STOP: LinkPolicy = {
  offline: 'stop',
  patienceMs: 60_000,
  connectMs: 10_000,
  answerMs: 120_000,
  pauseMs: 100,
  pauseMaxMs: 5_000,
};

/** Patience of the two: a user who goes on alone does not wait a minute first. */
export const LINK_POLICIES: Readonly<Record<LinkPolicy['offline'], LinkPolicy>> = {
  stop: STOP,
  small: { ...STOP, offline: 'small', patienceMs: 2_000 },
};

/**
 * The pause before the next attempt after `failureCount` failures in a row, with jitter: half of it is
 * random, so that devices that lost one hub do not come back in step.
 * @param random from 0 to 1
 */
export function pauseAfter(
  failureCount: number,
  { pauseMs, pauseMaxMs }: LinkPolicy,
  random: number,
): number {
  const whole = Math.min(pauseMaxMs, pauseMs * 2 ** (failureCount - 1));
  return whole * (0.5 + 0.5 * random);
}
