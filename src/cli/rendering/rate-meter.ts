/** How fast a count grows: over the last few seconds, so that a stall shows and a burst does not. */

const WINDOW_MS = 5000;
/** Below this the first samples would give absurd rates. */
const WINDOW_MIN_MS = 200;
/** Samples closer together than this are merged, which bounds their number. */
const SAMPLE_INTERVAL_MS = 100;

interface Sample {
  readonly done: number;
  readonly atMs: number;
}

export class RateMeter {
  #samples: Sample[] = [];
  #latest: Sample | null = null;

  reset(): void {
    this.#samples = [];
    this.#latest = null;
  }

  add(done: number, atMs: number): void {
    // A count that falls back is a restart.
    if (this.#latest !== null && done < this.#latest.done) this.reset();
    this.#latest = { done, atMs };
    const last = this.#samples.at(-1);
    if (last === undefined || atMs - last.atMs >= SAMPLE_INTERVAL_MS) {
      this.#samples.push(this.#latest);
    }
    // The newest sample outside the window stays: it is where the window begins.
    while ((this.#samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs - WINDOW_MS) {
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
