/** A request's stay in the KV caches of an engine, where it may have to give way to others. */
import { throwIfAborted } from '../core/errors.ts';
import type { ModelRole } from '../core/events.ts';
import { invariant } from '../core/invariant.ts';
import type { LazySequence } from '../session/local-session.ts';
import type { OpenedSequence, SequenceSource } from './sequence-source.ts';
import type { Tenancy } from './lease.ts';

export interface StayOptions {
  readonly source: (role: ModelRole) => SequenceSource;
  /** Waits for the worst case of what the request needs. */
  readonly enterAgain: (signal: AbortSignal | undefined) => Promise<() => void>;
  /** Raises the reservation that it begins with to the worst case, and gives that back. */
  readonly reserveRest: () => () => void;
  readonly makeRoom: (role: ModelRole) => Promise<boolean>;
  /** @param gone settles when nothing of the stay is in the caches but what is kept there */
  readonly left: (gone: Promise<unknown>) => void;
  /** Gives the reservation back that it begins with. */
  readonly release: () => void;
}

export class Stay implements Tenancy {
  readonly #options: StayOptions;
  readonly #sequences: LazySequence[] = [];
  /** Null after it gave way, until it is let in again. */
  #release: (() => void) | null;
  #hasReservedMost = false;
  #entering: Promise<void> | null = null;
  #givingWay: Promise<void> | null = null;
  #preemptionCount = 0;

  constructor(options: StayOptions) {
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
      entrance: () => (this.#release === null ? (signal) => this.#enter(signal) : null),
      open: (text, lengthMax, signal): Promise<OpenedSequence> => {
        invariant(this.#release !== null, 'a sequence is opened within a reservation');
        return source.open(text, lengthMax, signal);
      },
      close: (opened) => source.close(opened),
    };
  }

  add(sequence: LazySequence): void {
    this.#sequences.push(sequence);
  }

  makeRoom(role: ModelRole): Promise<boolean> {
    return this.#options.makeRoom(role);
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
  giveWay(): Promise<void> {
    this.#givingWay ??= this.#vacate().finally(() => {
      this.#givingWay = null;
    });
    return this.#givingWay;
  }

  /**
   * The reservation goes first: what the sequences held may then stay as a cached prefix. To give
   * them back may take the batch of others; whoever needs their room waits for that, not the request.
   */
  async leave(): Promise<void> {
    this.#release?.();
    this.#release = null;
    const closing = this.#sequences.map((sequence) => sequence[Symbol.asyncDispose]());
    this.#options.left(Promise.allSettled([...closing, this.#givingWay]));
  }

  async #vacate(): Promise<void> {
    this.#preemptionCount += 1;
    const release = this.#release;
    // At once, so that a sequence opened from here on waits to be let in again.
    this.#release = null;
    try {
      await Promise.all(this.#sequences.map((sequence) => sequence.vacate()));
    } finally {
      // Not before: whoever is let in counts on the cells and the slots.
      release?.();
    }
  }

  #enter(signal: AbortSignal | undefined): Promise<void> {
    this.#entering ??= this.#enterAgain(signal).finally(() => {
      this.#entering = null;
    });
    return this.#entering;
  }

  async #enterAgain(signal: AbortSignal | undefined): Promise<void> {
    this.#release = await this.#options.enterAgain(signal);
    this.#hasReservedMost = true;
    // The last moment to notice; the stay's end gives the reservation back.
    throwIfAborted(signal);
  }
}
