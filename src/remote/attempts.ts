/**
 * Attempts at calls to one server: with growing pauses, and none for a while after several calls in a
 * row have failed for good. Only a call whose answer was not used is made again, so no token is taken
 * twice.
 */
import { abortableSleep } from '../core/abortable-sleep.ts';
import type { Clock } from '../core/clock.ts';
import { throwIfAborted } from '../core/errors.ts';
import { pauseAfter } from '../core/pause-after.ts';
import { ServerFailure } from './server-failure.ts';
import type { ServerLimits } from './server-limits.ts';

export interface AttemptsOptions {
  readonly limits: ServerLimits;
  readonly clock: Clock;
  /** From 0 to 1; default: Math.random. */
  readonly random?: (() => number) | undefined;
  /** Default: abortableSleep. */
  readonly sleep?: typeof abortableSleep | undefined;
}

export interface RunOptions {
  /** Whether the attempt goes on with a call that has succeeded so far. */
  readonly isOpen?: boolean;
}

/** Shared by all calls to one server. */
export class Attempts {
  readonly #options: AttemptsOptions;
  /** Calls that failed in a row, with all their attempts. */
  #failedCount = 0;
  #rest: { readonly untilMs: number; readonly failure: ServerFailure } | null = null;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /**
   * Makes attempts until one succeeds.
   * @throws ServerFailure, PilotfishError `aborted`
   */
  async run<T>(
    attempt: () => Promise<T>,
    signal: AbortSignal,
    { isOpen = false }: RunOptions = {},
  ): Promise<T> {
    const { clock, limits, random = Math.random, sleep = abortableSleep } = this.#options;
    // What is open already is no new call.
    if (!isOpen) this.#checkRest();
    const startedMs = clock.nowMs();
    let failureCount = 0;
    for (;;) {
      try {
        const result = await attempt();
        this.#failedCount = 0;
        return result;
      } catch (error) {
        if (!(error instanceof ServerFailure)) throw error;
        // Another part of its call has failed: the server is at fault once.
        throwIfAborted(signal);
        failureCount += 1;
        const pauseMs = pauseAfter(failureCount, limits, random());
        const waitMs = Math.max(error.retryAfterMs ?? 0, pauseMs);
        const isLate = clock.nowMs() + waitMs - startedMs > limits.patienceMs;
        if (!error.isRetryable) throw error;
        if (isLate || failureCount >= limits.attemptCountMax) throw this.#failed(error);
        await sleep(waitMs, signal);
      }
    }
  }

  /** @throws ServerFailure while the server is left alone */
  #checkRest(): void {
    if (this.#rest === null) return;
    const { untilMs, failure } = this.#rest;
    if (this.#options.clock.nowMs() < untilMs) throw failure;
    this.#rest = null;
  }

  #failed(failure: ServerFailure): ServerFailure {
    const { limits, clock } = this.#options;
    this.#failedCount += 1;
    // After the rest the next call is let through. If it fails, too, another rest begins.
    if (this.#failedCount >= limits.failedCallCountMax) {
      this.#rest = { untilMs: clock.nowMs() + limits.restMs, failure };
    }
    return failure;
  }
}
