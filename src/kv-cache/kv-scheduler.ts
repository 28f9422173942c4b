/**
 * The KV caches of an engine's models and the requests that hold leases in them. Admission lets requests
 * start as far as their reservations fit. The prefix caches use the remaining cells.
 *
 * Reservations are worst cases by default, so an admitted request never finds a cache full. With
 * overcommitment they are smaller, and a cache can fill up. Then, in this order:
 *
 * 1. The prefix cache of that model is emptied.
 * 2. The youngest request that holds cells of the model is preempted, because it has the least to lose.
 *   It gives up all its cells, waits for its worst case ahead of all requests that were never admitted,
 *   and reads its text again.
 * 3. If only the request that found the cache full is left, it fails.
 *
 * A preemption raises the reservations of all running requests to their worst cases. So a preempted
 * request is readmitted only when none of them can take its cells again: later requests are preempted
 * before it, and no request is preempted twice.
 */
import { required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { LanguageModel } from '../model/roles.ts';
import type { SequenceSource } from '../model/sequence-source.ts';
import { Admission, addAmounts, type KvAmount, type KvAmounts, NOTHING } from './admission.ts';
import type { Lease } from './lease.ts';
import { PrefixCache } from './prefix-cache.ts';
import { ScheduledLease } from './scheduled-lease.ts';

export interface KvSchedulerOptions {
  readonly models: ReadonlyMap<ModelId, LanguageModel>;
  /** The labels of each model: a request may use a sequence for each. Default: 1. */
  readonly labelCounts?: ReadonlyMap<ModelId, number> | undefined;
  /** Requests that may run at once if the cells suffice. The other sequences serve the prefix caches. */
  readonly requestCountMax: number;
  /** Requests that may wait; one more is refused. */
  readonly waitingCountMax: number;
}

export interface LeaseRequest {
  readonly need: KvAmounts;
  /** The worst case; equal to `need` unless the caller overcommits. */
  readonly needMax: KvAmounts;
  /** Whether the request begins with cached prefixes, and leaves its own text to later requests. */
  readonly reuses: boolean;
}

export class KvScheduler {
  /** Sequences that no request can reserve. */
  readonly #spareSequenceCount: ReadonlyMap<ModelId, number>;
  readonly #admission: Admission;
  readonly #caches: ReadonlyMap<ModelId, PrefixCache>;
  /** In order of admission. */
  readonly #leases = new Set<ScheduledLease>();
  /** The ends of leases. They settle when the sequences are closed. */
  readonly #leaving = new Set<Promise<unknown>>();

  constructor(options: KvSchedulerOptions) {
    const { models, waitingCountMax } = options;
    const { capacity, spare } = shares(options);
    this.#spareSequenceCount = spare;
    this.#admission = new Admission({ capacity, waitingCountMax });
    const cacheOf = (id: ModelId, model: LanguageModel): PrefixCache =>
      new PrefixCache({ model, room: () => this.#free(id) });
    this.#caches = new Map([...models].map(([id, model]) => [id, cacheOf(id, model)]));
  }

  /** The numbers of running requests and of requests that wait for room. */
  get load(): { readonly runningCount: number; readonly waitingCount: number } {
    const { admittedCount, waitingCount } = this.#admission;
    return { runningCount: admittedCount, waitingCount };
  }

  /** The contents of a model's prefix cache. */
  cached(model: ModelId): KvAmount {
    return this.#caches.get(model)?.used ?? NOTHING;
  }

  /**
   * Waits for room. The caller ends the lease.
   * @throws PilotfishError `kv-full` if it can never fit, `engine-busy`, `aborted`
   */
  async acquire(request: LeaseRequest, signal: AbortSignal): Promise<Lease> {
    const { need, needMax, reuses } = request;
    // Found now, not when a preempted request is to be readmitted.
    this.#admission.checkPossible(needMax);
    const release = await this.#admission.admit(need, signal);
    const lease: ScheduledLease = new ScheduledLease({
      source: (model) => this.#source(model, reuses),
      readmit: (again) => this.#admission.admit(needMax, again, { first: true }),
      reserveRest: () => this.#admission.reserveMore(addAmounts(needMax, need, -1)),
      reclaim: (model) => this.#reclaim(lease, model),
      onReleased: (gone) => this.#released(lease, gone),
      release,
      signal,
    });
    this.#leases.add(lease);
    return lease;
  }

  /**
   * Checks that free + cached + in use = total in every cache, when no request runs.
   * @throws InvariantError
   */
  async checkIdle(): Promise<void> {
    await Promise.all(this.#leaving);
    this.#admission.checkIdle();
    for (const cache of this.#caches.values()) await cache.checkIdle();
  }

  /** Forgets the prefixes of earlier requests. */
  async forget(): Promise<void> {
    await Promise.all([...this.#caches.values()].map((cache) => cache.clear()));
  }

  #source(model: ModelId, reuses: boolean): SequenceSource {
    const cache = required(this.#caches.get(model), `the model ${model} is loaded`);
    return reuses ? cache : cache.unshared();
  }

  #free(model: ModelId): KvAmount {
    const { cellCount, sequenceCount } = this.#admission.free(model);
    const spare = this.#spareSequenceCount.get(model) ?? 0;
    return { cellCount, sequenceCount: sequenceCount + spare };
  }

  /** The prefix cache tells of a sequence that cannot be closed, to the next request that opens one. */
  #released(lease: ScheduledLease, gone: Promise<unknown>): void {
    this.#leases.delete(lease);
    this.#leaving.add(gone);
    void gone.finally(() => this.#leaving.delete(gone));
  }

  async #reclaim(asking: ScheduledLease, model: ModelId): Promise<boolean> {
    if ((await this.#caches.get(model)?.clear()) === true) return true;
    const involved = [...this.#leases].filter(
      (lease) => lease === asking || lease.holdsCells(model),
    );
    if (!involved.some((lease) => lease !== asking)) return false;
    for (const lease of this.#leases) lease.reserveMost();
    await involved.at(-1)?.preempt();
    return true;
  }
}

/**
 * All cells are for requests. Enough sequences are for requests that `requestCountMax` of them can run.
 */
function shares({ models, labelCounts, requestCountMax }: KvSchedulerOptions): {
  readonly capacity: KvAmounts;
  readonly spare: ReadonlyMap<ModelId, number>;
} {
  const capacity: Record<ModelId, KvAmount> = {};
  const spare = new Map<ModelId, number>();
  for (const [id, { facts }] of models) {
    const wanted = requestCountMax * (labelCounts?.get(id) ?? 1);
    const sequenceCount = Math.min(facts.sequenceCountMax, wanted);
    capacity[id] = { cellCount: facts.cellCount, sequenceCount };
    spare.set(id, facts.sequenceCountMax - sequenceCount);
  }
  return { capacity, spare };
}
