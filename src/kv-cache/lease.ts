/**
 * One request's lease in the KV caches: a role, so that a request runs the same in an engine, where
 * others want the room too, and alone.
 */
import type { ByRole, ModelRole } from '../core/events.ts';
import { required } from '../core/invariant.ts';
import type { LanguageModel } from '../model/roles.ts';
import type { LocalSession } from '../session/local-session.ts';
import { plainSequences, type SequenceSource } from './sequence-source.ts';

export interface Lease {
  source(role: ModelRole): SequenceSource;
  /** A sequence of this request: it is closed with the lease, and may be vacated for another one. */
  add(sequence: LocalSession): void;
  /**
   * After `kv-full`: makes somebody give way who holds cells of that model, this request itself if it
   * is the youngest.
   * @returns whether trying again may help
   */
  reclaim(role: ModelRole): Promise<boolean>;
  /** Times that this request gave its cells up and had to read its text again. */
  readonly preemptionCount: number;
  /** Ends the lease; the sequences may still be on their way out. */
  release(): Promise<void>;
}

/** Alone with its models: nobody else wants the room, nothing is kept. */
export function soleLease(models: ByRole<Pick<LanguageModel, 'openSequence'>>): Lease {
  const sequences: LocalSession[] = [];
  return {
    source: (role) => plainSequences(required(models[role], `the ${role} model is loaded`)),
    add: (sequence) => sequences.push(sequence),
    reclaim: async () => false,
    preemptionCount: 0,
    release: async () => {
      await Promise.all(sequences.splice(0).map((sequence) => sequence[Symbol.asyncDispose]()));
    },
  };
}
