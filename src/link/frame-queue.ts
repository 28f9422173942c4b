/** Frames between the arrival from a connection and their reader. */

/** What may wait. Both ends read all the time, so that more is a flood. */
const WAITING_FRAME_COUNT_MAX = 1024;
const WAITING_BYTE_COUNT_MAX = 8 * 2 ** 20;

export class FrameQueue implements AsyncIterable<Uint8Array> {
  readonly #frames: Uint8Array[] = [];
  #byteCount = 0;
  #hasEnded = false;
  #wake: (() => void) | null = null;

  /** @returns false if too many frames wait: then it drops this one */
  push(frame: Uint8Array): boolean {
    if (this.#hasEnded) return true;
    const byteCount = this.#byteCount + frame.length;
    const isFlood = byteCount > WAITING_BYTE_COUNT_MAX;
    if (isFlood || this.#frames.length >= WAITING_FRAME_COUNT_MAX) return false;
    this.#frames.push(frame);
    this.#byteCount = byteCount;
    this.#wake?.();
    return true;
  }

  /** No more frames come. Those that wait can still be read. */
  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        this.#byteCount -= frame.length;
        yield frame;
      } else if (this.#hasEnded) return;
      else await this.#change();
    }
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
  }
}
