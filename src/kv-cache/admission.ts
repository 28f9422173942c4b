/**
 * Decides which requests may start. A request reserves the worst case of everything that it will need,
 * in all models, at once, or waits. So no request holds a part while it waits for the rest, and a
 * started request never finds the cache full. Requests are admitted strictly in order of arrival, so
 * that a large request is not overtaken for ever.
 */
import { abortError, PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';

/** An amount of one model's KV cache. */
export interface KvAmount {
  /** Positions. */
  readonly cellCount: number;
  readonly sequenceCount: number;
}

/** Amounts by model. A model that is absent has nothing, or needs nothing. */
export type KvAmounts = Readonly<Partial<Record<ModelId, KvAmount>>>;

export interface AdmissionOptions {
  /** The whole caches. */
  readonly capacity: KvAmounts;
  /** Requests that may wait; one more is refused. */
  readonly waitingCountMax: number;
}

interface Waiting {
  readonly need: KvAmounts;
  readonly start: () => void;
}

export const NOTHING: KvAmount = { cellCount: 0, sequenceCount: 0 };

/** `a` + `sign` · `b`, model by model. */
export function addAmounts(a: KvAmounts, b: KvAmounts, sign: 1 | -1): KvAmounts {
  const models = new Set([...Object.keys(a), ...Object.keys(b)]);
  const sums = [...models].map((model): readonly [ModelId, KvAmount] => {
    const [own, other] = [a[model] ?? NOTHING, b[model] ?? NOTHING];
    return [
      model,
      {
        cellCount: own.cellCount + sign * other.cellCount,
        sequenceCount: own.sequenceCount + sign * other.sequenceCount,
      },
    ];
  });
  return Object.fromEntries(sums);
}

export class Admission {
  readonly #options: AdmissionOptions;
  #used: KvAmounts = {};
  readonly #waiting: Waiting[] = [];
  #admittedCount = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * The part of a model's cache that no request has reserved; negative where `reserveMore` went past it.
   */
  free(model: ModelId): KvAmount {
    return addAmounts(this.#options.capacity, this.#used, -1)[model] ?? NOTHING;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get admittedCount(): number {
    return this.#admittedCount;
  }

  /**
   * Waits until the whole need is free. The caller gives it back by calling the result, once.
   * @param options.first go before all that wait: for a request that was admitted once and then
   *   preempted
   * @throws PilotfishError `kv-full` if it can never fit, `engine-busy`, `aborted`
   */
  async admit(
    need: KvAmounts,
    signal?: AbortSignal,
    options: { readonly first?: boolean } = {},
  ): Promise<() => void> {
    this.checkPossible(need);
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
   * Reserves more for an admitted request, without waiting and past the capacity if need be. Until there
   * is room for all of it, no other request is admitted. The caller gives it back, once.
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

  /** Checks that every reservation was given back. It must hold when no request runs. */
  checkIdle(): void {
    invariant(this.#admittedCount === 0, `${this.#admittedCount} requests still run`);
    for (const [model, { cellCount = 0, sequenceCount = 0 } = NOTHING] of Object.entries(
      this.#used,
    )) {
      invariant(cellCount === 0 && sequenceCount === 0, `the cache of ${model} is reserved`);
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
        // The others may have waited only because of this request.
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
    this.#used = addAmounts(this.#used, need, sign);
  }

  #fits(need: KvAmounts): boolean {
    return Object.entries(need).every(([model, wanted = NOTHING]) => {
      const free = this.free(model);
      return wanted.cellCount <= free.cellCount && wanted.sequenceCount <= free.sequenceCount;
    });
  }

  checkPossible(need: KvAmounts): void {
    for (const [model, wanted = NOTHING] of Object.entries(need)) {
      const capacity = this.#options.capacity[model] ?? NOTHING;
      checkPossible(model, 'positions', [wanted.cellCount, capacity.cellCount]);
      checkPossible(model, 'sequences', [wanted.sequenceCount, capacity.sequenceCount]);
    }
  }
}

function checkPossible(
  model: ModelId,
  unit: string,
  [needed, capacity]: readonly [number, number],
): void {
  if (needed <= capacity) return;
  throw new PilotfishError(
    'kv-full',
    `The request needs ${needed} ${unit} in the cache of ${model}, which has ${capacity}.`,
    {
      remedy: 'Ask for fewer tokens (--max-tokens) or fewer samples, or give a larger --context.',
      fields: { model, needed, capacity },
    },
  );
}

function busy(waitingCountMax: number): PilotfishError {
  return new PilotfishError('engine-busy', `${waitingCountMax} requests already wait.`, {
    remedy: 'Send fewer requests at once, or try again later.',
    fields: { waitingCountMax },
  });
}
