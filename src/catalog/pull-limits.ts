/** How long a pull waits and how often it tries again. Tests use shorter ones. */
export interface PullLimits {
  /** Asking the hub about a file, redirects included. Past it the next source is tried. */
  readonly hubLookupTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** No byte for so long means the connection is dead. */
  readonly stallTimeoutMs: number;
  readonly redirectCountMax: number;
  /** Tries in a row that brought less than `retryProgressBytes`. */
  readonly attemptCountMax: number;
  readonly retryProgressBytes: number;
  /** Wait before the second try; doubles each time. */
  readonly backoffMs: number;
  readonly pipVersionTimeoutMs: number;
  /** Longer than `stallTimeoutMs`: pip has time limits and retries of its own. */
  readonly pipStallTimeoutMs: number;
  readonly pipAttemptCountMax: number;
  readonly pipPollMs: number;
  /** Of what pip says on standard error, the last part that is kept. */
  readonly pipOutputCharactersMax: number;
  /** From a polite request to end to an order. */
  readonly killGraceMs: number;
  readonly lockPollMs: number;
  /** How long to wait for another process that pulls the same model. */
  readonly lockWaitMsMax: number;
  /** A lock of another machine that was not refreshed for so long is abandoned. */
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
