/** The two models that a head is trained for, open side by side. They keep no results. */
import type { ModelId, ModelRole } from '../core/model-id.ts';
import { ModelSet } from '../engine/model-set.ts';
import { type Lease, soleLease } from '../kv-cache/lease.ts';
import type { LanguageModel } from '../model/roles.ts';
import type { SequencePool } from '../model/sequence-source.ts';

export type LocalModels = Readonly<Record<ModelRole, LanguageModel>>;

export class TrainingPair extends ModelSet {
  readonly models: LocalModels;
  /** Of the models' sequences, if they have any. */
  readonly pools: Readonly<Partial<Record<ModelRole, SequencePool>>>;

  /** @param pools of the models' sequences, if they have any: texts begin with the pinned prefix */
  constructor(models: LocalModels, pools?: Readonly<Partial<Record<ModelRole, SequencePool>>>) {
    super(models);
    this.models = models;
    this.pools = pools ?? {};
  }

  override soleLease(): Lease {
    return soleLease(Object.fromEntries(this.local()), this.#poolsById());
  }

  /** For texts that continue each other: what one has read, the next need not read again. */
  reusingLease(): Lease {
    return soleLease(Object.fromEntries(this.local()), this.#poolsById(), { reuses: true });
  }

  #poolsById(): Readonly<Record<ModelId, SequencePool>> {
    const roles: readonly ModelRole[] = ['small', 'large'];
    return Object.fromEntries(
      roles.flatMap((role) => {
        const pool = this.pools[role];
        return pool === undefined ? [] : [[this.idOf(role), pool] as const];
      }),
    );
  }
}
