/** The named limits of calls to a server. */
import type { PauseLimits } from '../core/pause-after.ts';

/** Its pauses are those between attempts at one call. */
export interface ServerLimits extends PauseLimits {
  readonly connectTimeoutMs: number;
  /** The longest wait for the beginning of an answer, and between two parts of one. */
  readonly stallTimeoutMs: number;
  readonly connectionCountMax: number;
  /** The longest answer that is not a stream, and the longest event of a stream. */
  readonly answerByteCountMax: number;
  readonly eventByteCountMax: number;
  /** The attempts at one call, and the time after which no further attempt begins. */
  readonly attemptCountMax: number;
  readonly patienceMs: number;
  /** Calls that failed in a row, after which further ones fail at once, and for how long. */
  readonly failedCallCountMax: number;
  readonly restMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  connectTimeoutMs: 10_000,
  stallTimeoutMs: 120_000,
  connectionCountMax: 64,
  answerByteCountMax: 64 * 1024 * 1024,
  eventByteCountMax: 4 * 1024 * 1024,
  attemptCountMax: 6,
  patienceMs: 60_000,
  pauseMs: 200,
  pauseMaxMs: 10_000,
  failedCallCountMax: 3,
  restMs: 5_000,
};
