/**
 * The speed at which a count grows. Bytes are measured over the last few seconds, so that a stall shows
 * and a burst does not. Steps are measured over the latter half of the time, because they come in waves
 * of minutes.
 */
import type { Progress } from '../../core/progress.ts';

const WINDOW_MS = 5000;
/** The window for steps, as a share of the time since the first sample. */
const WINDOW_SHARE = 0.5;
/** In a shorter time the first samples would give absurd rates. */
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
  #unit: Progress['unit'] = 'steps';

  reset(): void {
    this.#samples = [];
    this.#latest = null;
    this.#startMs = null;
  }

  add(done: number, atMs: number, unit: Progress['unit']): void {
    // A count that falls back is a restart.
    if (this.#latest !== null && done < this.#latest.done) this.reset();
    this.#startMs ??= atMs;
    this.#unit = unit;
    const before = this.#latest;
    this.#latest = { done, atMs };
    const last = this.#samples.at(-1);
    if (last === undefined || atMs - last.atMs >= this.#windowMs(atMs) / SAMPLES_PER_WINDOW) {
      // The end of a burst. Otherwise all of it would seem to have taken as long as the gap after it.
      if (before !== null && before !== last) this.#samples.push(before);
      this.#samples.push(this.#latest);
    }
    // The newest sample outside the window is kept: the window begins there.
    const fromMs = atMs - this.#windowMs(atMs);
    while ((this.#samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= fromMs) this.#samples.shift();
  }

  /**
   * Null until there are enough samples. Without new samples bytes stall, whereas steps may only be
   * slow.
   */
  perSecond(nowMs: number): number | null {
    const latest = this.#latest;
    if (latest === null) return null;
    const untilMs = this.#unit === 'bytes' ? nowMs : latest.atMs;
    const fromMs = untilMs - this.#windowMs(untilMs);
    const seen = [...this.#samples, latest];
    const first = seen.findLast(({ atMs }) => atMs <= fromMs) ?? seen[0] ?? latest;
    const elapsedMs = untilMs - first.atMs;
    if (elapsedMs < WINDOW_MIN_MS) return null;
    return ((latest.done - first.done) * 1000) / elapsedMs;
  }

  #windowMs(atMs: number): number {
    const sinceStart = this.#unit === 'bytes' ? 0 : atMs - (this.#startMs ?? atMs);
    return Math.max(WINDOW_MS, WINDOW_SHARE * sinceStart);
  }
}
