/** How a device treats a link that is slow, broken or away. */
import type { PauseLimits } from '../core/pause-after.ts';

/** Its pauses are those before reconnections. */
export interface LinkPolicy extends PauseLimits {
  /** While the hub is away: `small` goes on with the small model alone, `stop` ends the request. */
  readonly offline: 'small' | 'stop';
  /** How long a request waits for the link to come back, before it goes on alone or ends. */
  readonly patienceMs: number;
  /** The longest wait for a connection, and for an answer. */
  readonly connectMs: number;
  readonly answerMs: number;
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
