/**
 * A mutex that serves its callers in order of arrival. A caller that aborts while it waits never
 * holds it. It guards, for instance, the CPU as a compute device: the thread pools of two models
 * that spin on the same cores slow each other down tenfold, so waiting is faster.
 */
import { abortError, PilotfishError } from './errors.ts';

interface Waiting {
  readonly start: () => void;
  readonly cancel: () => void;
}

export interface FairMutexOptions {
  /** The name of the guarded resource for the error message: "the compute device". */
  readonly name: string;
  /** The number of callers that may wait; one more is refused. */
  readonly waitingCountMax: number;
}

export class FairMutex {
  readonly #options: FairMutexOptions;
  #busy = false;
  readonly #waiting: Waiting[] = [];

  constructor(options: FairMutexOptions) {
    this.#options = options;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Whether a caller holds the mutex. */
  get isBusy(): boolean {
    return this.#busy;
  }

  /** Runs `work` while it holds the mutex. @throws PilotfishError `aborted`, `engine-busy` */
  async exclusive<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = await this.enter(signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Waits for the mutex. The caller releases it by calling the result; further calls do nothing. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    await this.#wait(signal);
    let left = false;
    return () => {
      if (!left) this.#next();
      left = true;
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(abortError(signal));
    if (!this.#busy) {
      this.#busy = true;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#options.waitingCountMax) return Promise.reject(this.#full());
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        if (signal !== undefined) reject(abortError(signal));
      };
      const start = (): void => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      };
      const waiting: Waiting = { start, cancel };
      signal?.addEventListener('abort', cancel, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #full(): PilotfishError {
    const { name, waitingCountMax } = this.#options;
    return new PilotfishError('engine-busy', `${waitingCountMax} already wait for ${name}.`, {
      remedy: 'Send fewer requests at once, or try again later.',
      fields: { waitingCountMax },
    });
  }

  #next(): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#busy = false;
    else waiting.start();
  }
}
