/**
 * The KV caches of an engine's models and the requests that live in them. Admission lets requests in
 * as far as their reservations fit; what is left over belongs to the prefix caches.
 *
 * Reservations are worst cases by default, so a request that was let in never finds a cache full.
 * With overcommitment they are smaller than that, and a cache can fill up. Then, in this order:
 *
 *   1. the prefix cache of that model is emptied;
 *   2. the youngest request that holds cells of it gives way (it has the least to lose): it gives up
 *      all its cells, waits, ahead of all that were never admitted, for its worst case, and reads
 *      its text again;
 *   3. where only the request that found the cache full is left, it fails.
 *
 * When somebody gives way, the reservations of all that run are raised to their worst cases. So the
 * one that gave way comes back only when none of them can take its cells again: those who came later
 * give way before it does, and nobody gives way twice.
 */
import type { ByRole, ModelRole } from '../core/events.ts';
import { required } from '../core/invariant.ts';
import type { LanguageModel } from '../model/roles.ts';
import { Admission, type KvAmount, type KvAmounts } from './admission.ts';
import type { Lease } from './lease.ts';
import { PrefixCache } from './prefix-cache.ts';
import { ScheduledLease } from './scheduled-lease.ts';
import type { SequenceSource } from './sequence-source.ts';

export interface KvSchedulerOptions {
  readonly models: ByRole<LanguageModel>;
  /** Requests that may run at once, if the cells suffice; the other sequences serve the cache. */
  readonly requestCountMax: number;
  /** Requests that may wait; one more is refused. */
  readonly waitingCountMax: number;
}

export interface LeaseRequest {
  readonly need: KvAmounts;
  /** The worst case; as much as `need` unless the caller overcommits. */
  readonly needMax: KvAmounts;
  /** Whether it begins with what others left, and leaves what it read to others. */
  readonly reuses: boolean;
}

const ROLES: readonly ModelRole[] = ['small', 'large'];
const NOTHING: KvAmount = { cellCount: 0, sequenceCount: 0 };

export class KvScheduler {
  /** Sequences that no request can reserve. */
  readonly #spareSequenceCount: Readonly<Record<ModelRole, number>>;
  readonly #admission: Admission;
  readonly #caches: ByRole<PrefixCache>;
  /** In order of admission. */
  readonly #leases = new Set<ScheduledLease>();
  /** Of leases that have ended: they settle when their sequences are closed. */
  readonly #leaving = new Set<Promise<unknown>>();

  constructor({ models, requestCountMax, waitingCountMax }: KvSchedulerOptions) {
    const { capacity, spare } = shares(models, requestCountMax);
    this.#spareSequenceCount = spare;
    this.#admission = new Admission({ capacity, waitingCountMax });
    const cache = (role: ModelRole): PrefixCache | null => {
      const model = models[role];
      return model === null ? null : new PrefixCache({ model, room: () => this.#free(role) });
    };
    this.#caches = { small: cache('small'), large: cache('large') };
  }

  /** Requests that run now, and those that wait for room. */
  get load(): { readonly runningCount: number; readonly waitingCount: number } {
    const { admittedCount, waitingCount } = this.#admission;
    return { runningCount: admittedCount, waitingCount };
  }

  /** What the prefix cache of a model holds. */
  cached(role: ModelRole): KvAmount {
    return this.#caches[role]?.used ?? NOTHING;
  }

  /**
   * Waits for room. The caller ends the lease.
   * @throws PilotfishError `kv-full` if it can never fit, `engine-busy`, `aborted`
   */
  async acquire(request: LeaseRequest, signal: AbortSignal): Promise<Lease> {
    const release = await this.#admission.admit(request.need, signal);
    const lease: ScheduledLease = new ScheduledLease({
      source: (role) => this.#source(role, request.reuses),
      readmit: (again) => this.#admission.admit(request.needMax, again, { first: true }),
      reserveRest: () => this.#admission.reserveMore(difference(request.needMax, request.need)),
      reclaim: (role) => this.#reclaim(lease, role),
      onReleased: (gone) => this.#released(lease, gone),
      release,
    });
    this.#leases.add(lease);
    return lease;
  }

  /**
   * Free + cached + in use = total, in every cache, where nobody runs.
   * @throws InvariantError
   */
  async checkIdle(): Promise<void> {
    await Promise.all(this.#leaving);
    this.#admission.checkIdle();
    for (const role of ROLES) await this.#caches[role]?.checkIdle();
  }

  /** Forgets the prefixes of earlier requests. */
  async forget(): Promise<void> {
    await Promise.all(ROLES.map((role) => this.#caches[role]?.clear()));
  }

  #source(role: ModelRole, reuses: boolean): SequenceSource {
    const cache = required(this.#caches[role], `the ${role} model is loaded`);
    return reuses ? cache : cache.unshared();
  }

  #free(role: ModelRole): KvAmount {
    const { cellCount, sequenceCount } = this.#admission.free(role);
    const spare = this.#spareSequenceCount[role];
    return { cellCount, sequenceCount: sequenceCount + spare };
  }

  /** A sequence that cannot be closed is the prefix cache's to tell, to whoever opens the next. */
  #released(lease: ScheduledLease, gone: Promise<unknown>): void {
    this.#leases.delete(lease);
    this.#leaving.add(gone);
    void gone.finally(() => this.#leaving.delete(gone));
  }

  async #reclaim(asking: ScheduledLease, role: ModelRole): Promise<boolean> {
    if ((await this.#caches[role]?.clear()) === true) return true;
    const involved = [...this.#leases].filter(
      (lease) => lease === asking || lease.holdsCells(role),
    );
    if (!involved.some((lease) => lease !== asking)) return false;
    for (const lease of this.#leases) lease.reserveMost();
    await involved.at(-1)?.preempt();
    return true;
  }
}

/** What is left of `most` after `part`, which is no more than that in any place. */
function difference(most: KvAmounts, part: KvAmounts): KvAmounts {
  const rest: Partial<Record<ModelRole, KvAmount>> = {};
  for (const role of ROLES) {
    const [whole, taken] = [most[role] ?? NOTHING, part[role] ?? NOTHING];
    rest[role] = {
      cellCount: whole.cellCount - taken.cellCount,
      sequenceCount: whole.sequenceCount - taken.sequenceCount,
    };
  }
  return rest;
}

/** All cells are for requests; of the sequences so many that `requestCountMax` requests have one. */
function shares(
  models: ByRole<LanguageModel>,
  requestCountMax: number,
): { readonly capacity: KvAmounts; readonly spare: Record<ModelRole, number> } {
  const capacity: Partial<Record<ModelRole, KvAmount>> = {};
  const spare = { small: 0, large: 0 };
  for (const role of ROLES) {
    const facts = models[role]?.facts;
    if (facts === undefined) continue;
    const sequenceCount = Math.min(facts.sequenceCountMax, requestCountMax);
    capacity[role] = { cellCount: facts.cellCount, sequenceCount };
    spare[role] = facts.sequenceCountMax - sequenceCount;
  }
  return { capacity, spare };
}
