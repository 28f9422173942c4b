/** A request's lease in the KV caches of an engine, where it may be preempted for other requests. */
import { PilotfishError, throwIfAborted } from '../core/errors.ts';
import type { ModelId } from '../core/model-id.ts';
import { untilAborted } from '../core/until-aborted.ts';
import type { SequenceSource } from '../model/sequence-source.ts';
import type { CellHolder, Lease } from './lease.ts';

export interface ScheduledLeaseOptions {
  readonly source: (model: ModelId) => SequenceSource;
  /** Waits for the worst case of the request's need. */
  readonly readmit: (signal: AbortSignal) => Promise<() => void>;
  /** Raises the initial reservation to the worst case. The result gives the addition back. */
  readonly reserveRest: () => () => void;
  readonly reclaim: (model: ModelId) => Promise<boolean>;
  /** @param gone settles when no sequence of the lease is left in the caches, except kept prefixes */
  readonly onReleased: (gone: Promise<unknown>) => void;
  /** Gives the initial reservation back. */
  readonly release: () => void;
  /** Fires when the request is aborted. */
  readonly signal: AbortSignal;
}

export class ScheduledLease implements Lease {
  readonly #options: ScheduledLeaseOptions;
  readonly #holders = new Set<CellHolder>();
  /** Null from a preemption until the readmission. */
  #release: (() => void) | null;
  #hasReservedMost = false;
  /** Fires when the lease is released: from then on nothing of it is readmitted. */
  readonly #end = new AbortController();
  #readmitting: Promise<void> | null = null;
  #preempting: Promise<void> | null = null;
  #preemptionCount = 0;

  constructor(options: ScheduledLeaseOptions) {
    this.#options = options;
    this.#release = options.release;
  }

  get preemptionCount(): number {
    return this.#preemptionCount;
  }

  holdsCells(model: ModelId): boolean {
    return [...this.#holders].some(({ modelId, length }) => modelId === model && length > 0);
  }

  source(model: ModelId): SequenceSource {
    const source = this.#options.source(model);
    return {
      prefixLength: (text, lengthMax) => source.prefixLength?.(text, lengthMax) ?? 0,
      open: async (text, lengthMax, signal) =>
        this.#release === null
          ? { readmission: (waiting) => untilAborted(this.#readmission(), waiting) }
          : await source.open(text, lengthMax, signal),
      close: (opened) => source.close(opened),
    };
  }

  add(holder: CellHolder): void {
    this.#holders.add(holder);
  }

  remove(holder: CellHolder): void {
    this.#holders.delete(holder);
  }

  reclaim(model: ModelId): Promise<boolean> {
    return this.#options.reclaim(model);
  }

  /** Raises the reservation to the worst case, unless the lease was preempted. */
  reserveMost(): void {
    const release = this.#release;
    if (release === null || this.#hasReservedMost) return;
    this.#hasReservedMost = true;
    const releaseRest = this.#options.reserveRest();
    this.#release = () => {
      release();
      releaseRest();
    };
  }

  /** Gives up all cells. The lease is readmitted when one of its sessions next opens a sequence. */
  preempt(): Promise<void> {
    this.#preempting ??= this.#evictAll().finally(() => {
      this.#preempting = null;
    });
    return this.#preempting;
  }

  /**
   * Gives the reservation back first, so that the text of the sequences may remain as a cached prefix.
   * Closing the sequences may take the batch of other requests. The next request waits for that, not
   * this one.
   */
  async release(): Promise<void> {
    this.#end.abort(new PilotfishError('disposed', 'The request has ended.'));
    this.#release?.();
    this.#release = null;
    const closing = [...this.#holders].map((holder) => holder[Symbol.asyncDispose]());
    this.#options.onReleased(Promise.allSettled([...closing, this.#preempting]));
  }

  async #evictAll(): Promise<void> {
    this.#preemptionCount += 1;
    const release = this.#release;
    // Done at once, so that a sequence opened from here on waits for the readmission.
    this.#release = null;
    try {
      await Promise.all([...this.#holders].map((holder) => holder.evict()));
    } finally {
      // Only now: the next request counts on the cells and the slots.
      release?.();
    }
  }

  /** A session may come here when the readmission that another one waited for has just ended. */
  #readmission(): Promise<void> {
    if (this.#release !== null) return Promise.resolve();
    this.#readmitting ??= this.#readmit().finally(() => {
      this.#readmitting = null;
    });
    return this.#readmitting;
  }

  async #readmit(): Promise<void> {
    const { readmit, signal } = this.#options;
    const life = AbortSignal.any([this.#end.signal, signal]);
    const release = await readmit(life);
    if (this.#end.signal.aborted) release();
    else this.#release = release;
    this.#hasReservedMost = true;
    throwIfAborted(life);
  }
}
