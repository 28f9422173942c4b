/** The waiting times and retry counts of a pull. Tests use shorter ones. */
export interface PullLimits {
  /**
   * The time limit for a lookup at the hub, redirects included. After it the next source is tried.
   */
  readonly hubLookupTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** The time without a byte after which the connection counts as dead. */
  readonly stallTimeoutMs: number;
  readonly redirectCountMax: number;
  /** The most attempts in a row that bring less than `retryProgressBytes`. */
  readonly attemptCountMax: number;
  readonly retryProgressBytes: number;
  /** The wait before the second attempt; doubles each time. */
  readonly backoffMs: number;
  readonly pipVersionTimeoutMs: number;
  /** Longer than `stallTimeoutMs`: pip has time limits and retries of its own. */
  readonly pipStallTimeoutMs: number;
  readonly pipAttemptCountMax: number;
  readonly pipPollMs: number;
  /** The length of the end of pip's standard error that is kept. */
  readonly pipOutputCharactersMax: number;
  /** The time between the polite request to end and the kill. */
  readonly killGraceMs: number;
  readonly lockPollMs: number;
  /** The longest wait for another process that pulls the same model. */
  readonly lockWaitMsMax: number;
  /** The age without a refresh after which another machine's lock counts as abandoned. */
  readonly lockStaleMs: number;
  readonly lockRefreshMs: number;
}

export const PULL_LIMITS: PullLimits = {
  hubLookupTimeoutMs: 10_000,
  connectTimeoutMs: 10_000,
  stallTimeoutMs: 60_000,
  redirectCountMax: 5,
  attemptCountMax: 5,
  retryProgressBytes: 16 * 1024 * 1024,
  backoffMs: 500,
  pipVersionTimeoutMs: 20_000,
  pipStallTimeoutMs: 180_000,
  pipAttemptCountMax: 2,
  pipPollMs: 250,
  pipOutputCharactersMax: 4_000,
  killGraceMs: 2_000,
  lockPollMs: 250,
  lockWaitMsMax: 2 * 60 * 60 * 1000,
  lockStaleMs: 60_000,
  lockRefreshMs: 5_000,
};
