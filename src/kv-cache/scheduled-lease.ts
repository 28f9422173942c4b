/** A request's lease in the KV caches of an engine, where it may be preempted for others. */
import { PilotfishError, throwIfAborted } from '../core/errors.ts';
import type { ModelId } from '../core/model-id.ts';
import { untilAborted } from '../core/until-aborted.ts';
import type { SequenceSource } from '../model/sequence-source.ts';
import type { CellHolder, Lease } from './lease.ts';

export interface ScheduledLeaseOptions {
  readonly source: (model: ModelId) => SequenceSource;
  /** Waits for the worst case of what the request needs. */
  readonly readmit: (signal: AbortSignal) => Promise<() => void>;
  /** Raises the reservation that it begins with to the worst case, and gives that back. */
  readonly reserveRest: () => () => void;
  readonly reclaim: (model: ModelId) => Promise<boolean>;
  /** @param gone settles when nothing of the lease is in the caches but what is kept there */
  readonly onReleased: (gone: Promise<unknown>) => void;
  /** Gives the reservation back that it begins with. */
  readonly release: () => void;
  /** The request's life. */
  readonly signal: AbortSignal;
}

export class ScheduledLease implements Lease {
  readonly #options: ScheduledLeaseOptions;
  readonly #holders = new Set<CellHolder>();
  /** Null after it was preempted, until it is readmitted. */
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

  /** Gives up all cells; the lease is readmitted when one of its sessions next opens a sequence. */
  preempt(): Promise<void> {
    this.#preempting ??= this.#evictAll().finally(() => {
      this.#preempting = null;
    });
    return this.#preempting;
  }

  /**
   * The reservation goes first: what the sequences held may then remain as a cached prefix. To give
   * them back may take the batch of others; the next request waits for that, not this one.
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
    // At once, so that a sequence opened from here on waits for the readmission.
    this.#release = null;
    try {
      await Promise.all([...this.#holders].map((holder) => holder.evict()));
    } finally {
      // Not before: the next request counts on the cells and the slots.
      release?.();
    }
  }

  #readmission(): Promise<void> {
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
