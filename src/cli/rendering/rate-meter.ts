/**
 * How fast a count grows. Bytes are measured over the last few seconds, so that a stall shows and a
 * burst does not; steps over the latter half of the time, for they come in waves of minutes.
 */
import type { Progress } from '../../core/progress.ts';

const WINDOW_MS = 5000;
/** Of the time since the first sample, for steps. */
const WINDOW_SHARE = 0.5;
/** Below this the first samples would give absurd rates. */
const WINDOW_MIN_MS = 200;
/** Samples closer together than this part of a window are merged, which bounds their number. */
const SAMPLES_PER_WINDOW = 50;

interface Sample {
  readonly done: number;
  readonly atMs: number;
}

export class RateMeter {
  #samples: Sample[] = [];
  #latest: Sample | null = null;
  #startMs: number | null = null;

  reset(): void {
    this.#samples = [];
    this.#latest = null;
    this.#startMs = null;
  }

  add(done: number, atMs: number, unit: Progress['unit']): void {
    // A count that falls back is a restart.
    if (this.#latest !== null && done < this.#latest.done) this.reset();
    this.#startMs ??= atMs;
    this.#latest = { done, atMs };
    const sinceStart = unit === 'bytes' ? 0 : atMs - this.#startMs;
    const windowMs = Math.max(WINDOW_MS, WINDOW_SHARE * sinceStart);
    const last = this.#samples.at(-1);
    if (last === undefined || atMs - last.atMs >= windowMs / SAMPLES_PER_WINDOW) {
      this.#samples.push(this.#latest);
    }
    // The newest sample outside the window stays: it is where the window begins.
    while ((this.#samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs - windowMs) {
      this.#samples.shift();
    }
  }

  /** Null until enough was seen. */
  perSecond(): number | null {
    const first = this.#samples[0];
    if (first === undefined || this.#latest === null) return null;
    const elapsedMs = this.#latest.atMs - first.atMs;
    if (elapsedMs < WINDOW_MIN_MS) return null;
    return ((this.#latest.done - first.done) * 1000) / elapsedMs;
  }
}
