/**
 * The engine of a conversation whose strategy may change. It loads the models that the first strategy
 * needs, and opens anew, with more models, only when a later strategy needs them.
 */
import type { ModelLabel } from '../../core/model-id.ts';
import type { StrategyValue } from '../../strategy/method.ts';
import type { CliEngine } from '../cli-dependencies.ts';

export interface EngineOpener {
  /** The models that a strategy needs. */
  labelsOf(strategy: StrategyValue): readonly ModelLabel[];
  /** Opens an engine with the models of all these strategies. */
  open(strategies: readonly StrategyValue[], signal: AbortSignal): Promise<CliEngine>;
}

export class EngineHolder implements AsyncDisposable {
  readonly #opener: EngineOpener;
  readonly #strategies: StrategyValue[] = [];
  readonly #loaded = new Set<ModelLabel>();
  #engine: CliEngine | null = null;

  constructor(opener: EngineOpener) {
    this.#opener = opener;
  }

  /** An engine that can run `strategy`. If opening fails, the next call tries again. */
  async engineFor(strategy: StrategyValue, signal: AbortSignal): Promise<CliEngine> {
    const labels = this.#opener.labelsOf(strategy);
    if (this.#engine !== null && labels.every((label) => this.#loaded.has(label))) {
      return this.#engine;
    }
    // Two engines at once might not fit into memory.
    await this[Symbol.asyncDispose]();
    const engine = await this.#opener.open([...this.#strategies, strategy], signal);
    this.#strategies.push(strategy);
    for (const label of labels) this.#loaded.add(label);
    this.#engine = engine;
    return engine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    await engine?.[Symbol.asyncDispose]();
  }
}
