/** A request's stay in the KV caches of an engine, where it may have to give way to others. */
import { throwIfAborted } from '../core/errors.ts';
import type { ModelRole } from '../core/events.ts';
import type { LazySequence } from './lazy-sequence.ts';
import type { OpenedSequence, SequenceSource } from './sequence-source.ts';
import type { Tenancy } from './tenancy.ts';

export interface StayOptions {
  readonly source: (role: ModelRole) => SequenceSource;
  /** Waits for the worst case of what the request needs. */
  readonly enterAgain: (signal: AbortSignal | undefined) => Promise<() => void>;
  readonly makeRoom: () => Promise<boolean>;
  readonly left: () => void;
  /** Gives the reservation back that it begins with. */
  readonly release: () => void;
}

export class Stay implements Tenancy {
  readonly #options: StayOptions;
  readonly #sequences: LazySequence[] = [];
  /** Null after it gave way, until it is let in again. */
  #release: (() => void) | null;
  #preemptionCount = 0;

  constructor(options: StayOptions) {
    this.#options = options;
    this.#release = options.release;
  }

  get preemptionCount(): number {
    return this.#preemptionCount;
  }

  get holdsCells(): boolean {
    return this.#sequences.some(({ length }) => length > 0);
  }

  source(role: ModelRole): SequenceSource {
    const source = this.#options.source(role);
    return {
      open: async (text, lengthMax, signal): Promise<OpenedSequence> => {
        await this.#enter(signal);
        return await source.open(text, lengthMax, signal);
      },
      close: (opened) => source.close(opened),
    };
  }

  add(sequence: LazySequence): void {
    this.#sequences.push(sequence);
  }

  makeRoom(): Promise<boolean> {
    return this.#options.makeRoom();
  }

  /** Gives up all cells; it is let in again when it next opens a sequence. */
  async giveWay(): Promise<void> {
    this.#preemptionCount += 1;
    // First, so that a sequence opened meanwhile waits to be let in again.
    this.#giveBack();
    await Promise.all(this.#sequences.map((sequence) => sequence.vacate()));
  }

  /** The reservation goes first: what the sequences held may then stay as a cached prefix. */
  async leave(): Promise<void> {
    this.#giveBack();
    this.#options.left();
    await Promise.all(this.#sequences.map((sequence) => sequence[Symbol.asyncDispose]()));
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    if (this.#release !== null) return;
    const release = await this.#options.enterAgain(signal);
    this.#release = release;
    // The last moment to notice; the stay's end gives the reservation back.
    throwIfAborted(signal);
  }

  #giveBack(): void {
    this.#release?.();
    this.#release = null;
  }
}
