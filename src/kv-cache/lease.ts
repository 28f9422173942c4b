/**
 * One request's lease of cells in the KV caches: a role, so that a request runs the same in an engine,
 * where others want the cells too, and alone.
 */
import { required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { LanguageModel } from '../model/roles.ts';
import {
  plainSequences,
  type SequencePool,
  type SequenceSource,
} from '../model/sequence-source.ts';

/** Something that holds cells of one model for a request: a session. */
export interface CellHolder extends AsyncDisposable {
  readonly modelId: ModelId;
  /** Tokens in the cache. */
  readonly length: number;
  /** Gives the cells back; the holder reads its text again when it next needs it. */
  evict(): Promise<void>;
}

export interface Lease {
  source(model: ModelId): SequenceSource;
  /** A holder of this lease: it is disposed of with the lease, and may be evicted for another one. */
  add(holder: CellHolder): void;
  /** The holder was disposed of. */
  remove(holder: CellHolder): void;
  /**
   * After `kv-full`: evicts prefixes that nobody uses, or preempts a lease that holds cells of the
   * model, this one if it is the youngest.
   * @returns whether trying again may help
   */
  reclaim(model: ModelId): Promise<boolean>;
  /** Times that this lease was preempted and its request had to read its text again. */
  readonly preemptionCount: number;
  /** Ends the lease; its sequences may still be on their way out. */
  release(): Promise<void>;
}

/**
 * Alone with its models: no other request wants the cells, and nothing is kept.
 * @param pools of models whose cells others left something in: texts begin with the pin, and what was
 *   left is forgotten where the cache is full
 */
export function soleLease(
  models: Readonly<Record<ModelId, Pick<LanguageModel, 'openSequence'>>>,
  pools: Readonly<Record<ModelId, SequencePool>> = {},
): Lease {
  const holders = new Set<CellHolder>();
  return {
    source: (model) =>
      pools[model]?.unshared() ??
      plainSequences(required(models[model], `the model ${model} is loaded`)),
    add: (holder) => holders.add(holder),
    remove: (holder) => holders.delete(holder),
    reclaim: async (model) => (await pools[model]?.clear()) ?? false,
    preemptionCount: 0,
    release: async () => {
      await Promise.all([...holders].map((holder) => holder[Symbol.asyncDispose]()));
    },
  };
}
