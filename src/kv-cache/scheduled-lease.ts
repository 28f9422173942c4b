/** A request's lease in the KV caches of an engine, where it may have to give way to others. */
import { throwIfAborted } from '../core/errors.ts';
import type { ModelRole } from '../core/events.ts';
import { invariant } from '../core/invariant.ts';
import type { LocalSession } from '../session/local-session.ts';
import type { Lease } from './lease.ts';
import type { OpenedSequence, SequenceSource } from './sequence-source.ts';

export interface ScheduledLeaseOptions {
  readonly source: (role: ModelRole) => SequenceSource;
  /** Waits for the worst case of what the request needs. */
  readonly readmit: (signal: AbortSignal | undefined) => Promise<() => void>;
  /** Raises the reservation that it begins with to the worst case, and gives that back. */
  readonly reserveRest: () => () => void;
  readonly reclaim: (role: ModelRole) => Promise<boolean>;
  /** @param gone settles when nothing of the lease is in the caches but what is kept there */
  readonly onReleased: (gone: Promise<unknown>) => void;
  /** Gives the reservation back that it begins with. */
  readonly release: () => void;
}

export class ScheduledLease implements Lease {
  readonly #options: ScheduledLeaseOptions;
  readonly #sequences: LocalSession[] = [];
  /** Null after it gave way, until it is let in again. */
  #release: (() => void) | null;
  #hasReservedMost = false;
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

  holdsCells(role: ModelRole): boolean {
    return this.#sequences.some((sequence) => sequence.role === role && sequence.length > 0);
  }

  source(role: ModelRole): SequenceSource {
    const source = this.#options.source(role);
    return {
      prefixLength: (text, lengthMax) => source.prefixLength?.(text, lengthMax) ?? 0,
      readmission: () =>
        this.#release === null ? (signal) => this.#waitForReadmission(signal) : null,
      open: (text, lengthMax, signal): Promise<OpenedSequence> => {
        invariant(this.#release !== null, 'a sequence is opened within a reservation');
        return source.open(text, lengthMax, signal);
      },
      close: (opened) => source.close(opened),
    };
  }

  add(sequence: LocalSession): void {
    this.#sequences.push(sequence);
  }

  reclaim(role: ModelRole): Promise<boolean> {
    return this.#options.reclaim(role);
  }

  /** Raises the reservation of whoever is in to the worst case. */
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

  /** Gives up all cells; it is let in again when it next opens a sequence. */
  preempt(): Promise<void> {
    this.#preempting ??= this.#evictAll().finally(() => {
      this.#preempting = null;
    });
    return this.#preempting;
  }

  /**
   * The reservation goes first: what the sequences held may then remain as a cached prefix. To give
   * them back may take the batch of others; whoever needs their room waits for that, not the request.
   */
  async release(): Promise<void> {
    this.#release?.();
    this.#release = null;
    const closing = this.#sequences.map((sequence) => sequence[Symbol.asyncDispose]());
    this.#options.onReleased(Promise.allSettled([...closing, this.#preempting]));
  }

  async #evictAll(): Promise<void> {
    this.#preemptionCount += 1;
    const release = this.#release;
    // At once, so that a sequence opened from here on waits to be let in again.
    this.#release = null;
    try {
      await Promise.all(this.#sequences.map((sequence) => sequence.evict()));
    } finally {
      // Not before: whoever is let in counts on the cells and the slots.
      release?.();
    }
  }

  #waitForReadmission(signal: AbortSignal | undefined): Promise<void> {
    this.#readmitting ??= this.#readmit(signal).finally(() => {
      this.#readmitting = null;
    });
    return this.#readmitting;
  }

  async #readmit(signal: AbortSignal | undefined): Promise<void> {
    this.#release = await this.#options.readmit(signal);
    this.#hasReservedMost = true;
    // The last moment to notice; the lease's end gives the reservation back.
    throwIfAborted(signal);
  }
}
