/**
 * Mutual exclusion in order of arrival: a turn that was aborted while waiting is not taken. One CPU
 * is one such device, for instance: the thread pools of two models that spin on the same cores slow
 * each other down tenfold, so waiting is the fast way.
 */
import { abortError, PilotfishError } from './errors.ts';

interface Waiting {
  readonly start: () => void;
  readonly cancel: () => void;
}

export interface FairMutexOptions {
  /** What is waited for, for the error message: "the compute device". */
  readonly name: string;
  /** How many may wait; one more is refused. */
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

  /** Whether a turn is under way. */
  get isBusy(): boolean {
    return this.#busy;
  }

  /** Runs `work` when it is its turn. @throws PilotfishError `aborted`, `engine-busy` */
  async exclusive<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = await this.enter(signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Waits for a turn; the caller ends it by calling the result, once. */
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
