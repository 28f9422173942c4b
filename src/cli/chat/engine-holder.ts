/**
 * The engine of a conversation whose strategy may change. It loads the models that the first strategy
 * needs, and opens anew, with more models, only when a later strategy needs them.
 */
import type { ModelRole } from '../../core/model-id.ts';
import type { StrategyValue } from '../../strategy/method.ts';
import type { CliEngine } from '../cli-dependencies.ts';

export interface EngineOpener {
  /** The models that a strategy needs. */
  rolesOf(strategy: StrategyValue): readonly ModelRole[];
  /** Opens an engine with the models of all these strategies. */
  open(strategies: readonly StrategyValue[], signal: AbortSignal): Promise<CliEngine>;
}

export class EngineHolder implements AsyncDisposable {
  readonly #opener: EngineOpener;
  readonly #strategies: StrategyValue[] = [];
  readonly #loaded = new Set<ModelRole>();
  #engine: CliEngine | null = null;

  constructor(opener: EngineOpener) {
    this.#opener = opener;
  }

  /** An engine that can run `strategy`. If opening fails, the next call tries again. */
  async engineFor(strategy: StrategyValue, signal: AbortSignal): Promise<CliEngine> {
    const roles = this.#opener.rolesOf(strategy);
    if (this.#engine !== null && roles.every((role) => this.#loaded.has(role))) {
      return this.#engine;
    }
    // Two engines at once might not fit into memory.
    await this[Symbol.asyncDispose]();
    const engine = await this.#opener.open([...this.#strategies, strategy], signal);
    this.#strategies.push(strategy);
    for (const role of roles) this.#loaded.add(role);
    this.#engine = engine;
    return engine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    await engine?.[Symbol.asyncDispose]();
  }
}
