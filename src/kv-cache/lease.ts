/**
 * One request's lease of cells in the KV caches. It is a role, so that a request runs the same alone and
 * in an engine, where other requests want the cells, too.
 */
import { required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { LanguageModel } from '../model/roles.ts';
import {
  plainSequences,
  type SequencePool,
  type SequenceSource,
} from '../model/sequence-source.ts';

/** A holder of cells of one model for a request: a session. */
export interface CellHolder extends AsyncDisposable {
  readonly modelId: ModelId;
  /** Tokens in the cache. */
  readonly length: number;
  /** Gives the cells back. The holder reads its text again when it next needs it. */
  evict(): Promise<void>;
}

export interface Lease {
  source(model: ModelId): SequenceSource;
  /** Adds a holder. It is disposed of with the lease, and may be evicted for another lease. */
  add(holder: CellHolder): void;
  /** Removes a holder that was disposed of. */
  remove(holder: CellHolder): void;
  /**
   * Handles `kv-full`: evicts unused prefixes, or preempts a lease that holds cells of the model, this
   * lease if it is the youngest.
   * @returns whether another attempt may succeed
   */
  reclaim(model: ModelId): Promise<boolean>;
  /** The number of preemptions, after each of which the request had to read its text again. */
  readonly preemptionCount: number;
  /** Ends the lease. Its sequences may close later. */
  release(): Promise<void>;
}

/**
 * A lease for a request that is alone with its models: no other request wants the cells, and nothing is
 * kept, unless it reuses.
 * @param pools the pools of models whose caches hold prefixes of others: texts begin with the pinned
 *   prefix, and the other prefixes are evicted where the cache is full
 * @param options.reuses begin with any cached prefix, and leave the text to later requests. Results are
 *   then the same only up to near-ties, because the batches have other shapes
 */
export function soleLease(
  models: Readonly<Record<ModelId, Pick<LanguageModel, 'openSequence'>>>,
  pools: Readonly<Record<ModelId, SequencePool>> = {},
  { reuses = false }: { readonly reuses?: boolean } = {},
): Lease {
  const holders = new Set<CellHolder>();
  return {
    source: (model) =>
      (reuses ? pools[model] : pools[model]?.unshared()) ??
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
