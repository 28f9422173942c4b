/**
 * Who may start. A request reserves the worst case of everything it will need, in all models, at
 * once, or waits: so nobody holds a part and waits for the rest, and a started request never finds
 * the cache full. Strictly in order of arrival, so a large request is not overtaken for ever.
 */
import { abortError, PilotfishError } from '../core/errors.ts';
import type { ModelRole } from '../core/events.ts';
import { invariant } from '../core/invariant.ts';

/** An amount of a model's KV cache. */
export interface KvAmount {
  /** Positions. */
  readonly cellCount: number;
  readonly sequenceCount: number;
}

export type KvAmounts = Readonly<Partial<Record<ModelRole, KvAmount>>>;

export interface AdmissionOptions {
  /** What there is in all. A role that is absent has nothing. */
  readonly capacity: KvAmounts;
  /** Requests that may wait; one more is refused. */
  readonly waitingCountMax: number;
}

interface Waiting {
  readonly need: KvAmounts;
  readonly start: () => void;
}

const ROLES: readonly ModelRole[] = ['small', 'large'];
const NOTHING: KvAmount = { cellCount: 0, sequenceCount: 0 };

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #used: Record<ModelRole, KvAmount> = { small: NOTHING, large: NOTHING };
  readonly #waiting: Waiting[] = [];
  #admittedCount = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** What nobody has reserved of a model's cache; negative where `reserveMore` went past it. */
  free(role: ModelRole): KvAmount {
    const capacity = this.#options.capacity[role] ?? NOTHING;
    const { cellCount, sequenceCount } = this.#used[role];
    return {
      cellCount: capacity.cellCount - cellCount,
      sequenceCount: capacity.sequenceCount - sequenceCount,
    };
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get admittedCount(): number {
    return this.#admittedCount;
  }

  /**
   * Waits until the whole need is free. The caller gives it back by calling the result, once.
   * @param options.first before all that wait: for who was admitted once and had to give way
   * @throws PilotfishError `kv-full` if it can never fit, `engine-busy`, `aborted`
   */
  async admit(
    need: KvAmounts,
    signal?: AbortSignal,
    options: { readonly first?: boolean } = {},
  ): Promise<() => void> {
    this.#checkPossible(need);
    await this.#turn(need, signal, options.first ?? false);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#admittedCount -= 1;
      this.#change(need, -1);
      this.#startWaiting();
    };
  }

  /**
   * Reserves more for somebody who is in, without waiting and past the capacity if need be: until
   * there is room for all of it, nobody else comes in. The caller gives it back, once.
   */
  reserveMore(amounts: KvAmounts): () => void {
    this.#change(amounts, 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#change(amounts, -1);
      this.#startWaiting();
    };
  }

  /** What must hold when nobody runs: everything was given back. */
  checkIdle(): void {
    invariant(this.#admittedCount === 0, `${this.#admittedCount} requests still run`);
    for (const role of ROLES) {
      const { cellCount, sequenceCount } = this.#used[role];
      invariant(cellCount === 0 && sequenceCount === 0, `the ${role} model's cache is reserved`);
    }
  }

  #turn(need: KvAmounts, signal: AbortSignal | undefined, first: boolean): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(abortError(signal));
    if ((first || this.#waiting.length === 0) && this.#fits(need)) {
      this.#take(need);
      return Promise.resolve();
    }
    const { waitingCountMax } = this.#options;
    if (!first && this.#waiting.length >= waitingCountMax)
      return Promise.reject(busy(waitingCountMax));
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        if (signal !== undefined) reject(abortError(signal));
        // It may have been the one that the others waited behind.
        this.#startWaiting();
      };
      const start = (): void => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      };
      const waiting: Waiting = { need, start };
      signal?.addEventListener('abort', cancel, { once: true });
      if (first) this.#waiting.unshift(waiting);
      else this.#waiting.push(waiting);
    });
  }

  #startWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#fits(next.need)) return;
      this.#waiting.shift();
      this.#take(next.need);
      next.start();
    }
  }

  #take(need: KvAmounts): void {
    this.#admittedCount += 1;
    this.#change(need, 1);
  }

  #change(need: KvAmounts, sign: 1 | -1): void {
    for (const role of ROLES) {
      const { cellCount, sequenceCount } = need[role] ?? NOTHING;
      const used = this.#used[role];
      this.#used[role] = {
        cellCount: used.cellCount + sign * cellCount,
        sequenceCount: used.sequenceCount + sign * sequenceCount,
      };
    }
  }

  #fits(need: KvAmounts): boolean {
    return ROLES.every((role) => {
      const { cellCount, sequenceCount } = need[role] ?? NOTHING;
      const free = this.free(role);
      return cellCount <= free.cellCount && sequenceCount <= free.sequenceCount;
    });
  }

  #checkPossible(need: KvAmounts): void {
    for (const role of ROLES) {
      const capacity = this.#options.capacity[role] ?? NOTHING;
      const wanted = need[role] ?? NOTHING;
      checkPossible(role, 'positions', [wanted.cellCount, capacity.cellCount]);
      checkPossible(role, 'sequences', [wanted.sequenceCount, capacity.sequenceCount]);
    }
  }
}

function checkPossible(
  role: ModelRole,
  unit: string,
  [needed, capacity]: readonly [number, number],
): void {
  if (needed <= capacity) return;
  throw new PilotfishError(
    'kv-full',
    `The request needs ${needed} ${unit} in the ${role} model's cache, which has ${capacity}.`,
    {
      remedy: 'Ask for fewer tokens, or give a larger --context.',
      fields: { role, needed, capacity },
    },
  );
}

function busy(waitingCountMax: number): PilotfishError {
  return new PilotfishError('engine-busy', `${waitingCountMax} requests already wait.`, {
    remedy: 'Send fewer requests at once, or try again later.',
    fields: { waitingCountMax },
  });
}
