/** The calls of a session to a server: each is recorded once, at the latest when the session ends. */
import type { Clock } from '../core/clock.ts';
import { throwIfAborted } from '../core/errors.ts';
import type { WorkPurpose } from '../core/events.ts';
import type { ModelId } from '../core/model-id.ts';
import { noiseBits, noiseKey, seedOfDraw } from '../core/noise.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { RowsRequest, SessionRequest } from '../session/session.ts';
import { SessionLife } from '../session/session-life.ts';
import { MeteredCall } from './metered-call.ts';

export interface SessionCallsOptions {
  readonly modelId: ModelId;
  readonly request: SessionRequest;
  readonly clock: Clock;
}

export class SessionCalls implements AsyncDisposable {
  readonly #options: SessionCallsOptions;
  readonly #life: SessionLife;
  /** Not recorded yet. */
  readonly #open = new Set<MeteredCall>();
  /** Of the session and its branches: what these have read is no earlier request's. */
  readonly #history: { hasCalled: boolean };

  constructor(options: SessionCallsOptions, history = { hasCalled: false }) {
    this.#options = options;
    this.#life = new SessionLife(options.request.signal);
    this.#history = history;
    options.request.remoteSessions.add(this);
  }

  /** Fires when the session or its request ends. */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** The calls of a branch. */
  fork(): SessionCalls {
    return new SessionCalls(this.#options, this.#history);
  }

  /** @throws PilotfishError `aborted`, `disposed` */
  begin(purpose: WorkPurpose): MeteredCall {
    const { signal } = this.#life;
    throwIfAborted(signal);
    const { modelId: model, clock, request } = this.#options;
    const isFirst = !this.#history.hasCalled;
    this.#history.hasCalled = true;
    const { recorder } = request;
    const call = new MeteredCall({ model, purpose, recorder, clock, isFirst, signal });
    this.#open.add(call);
    return call;
  }

  end(call: MeteredCall): void {
    call.record();
    this.#open.delete(call);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.end();
    for (const call of this.#open) this.end(call);
    this.#options.request.remoteSessions.delete(this);
  }
}

export interface ServedDraw {
  readonly sampling: SamplingParams;
  /** Null: a greedy choice. */
  readonly seed: number | null;
}

export interface DrawPlace {
  readonly position: number;
  /** The number of the draw there; default 0. */
  readonly attempt?: number;
}

/** How a server draws at a position: every text that it samples has a seed of its own. */
export function servedDraw(
  { sampling: { sampling: given, seed } }: Pick<SessionRequest, 'sampling'>,
  { temperature, draw = 0, noise = 'sample' }: Pick<RowsRequest, 'temperature' | 'draw' | 'noise'>,
  { position, attempt = 0 }: DrawPlace,
): ServedDraw {
  const sampling = temperature === undefined ? given : { ...given, temperature };
  const key = noiseKey(seedOfDraw(seed, draw), position, noise);
  return { sampling, seed: sampling.temperature === 0 ? null : noiseBits(key, attempt) >>> 1 };
}
