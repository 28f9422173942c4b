/**
 * The engine of a conversation whose strategy may change. It loads what the first strategy needs,
 * and opens anew, with more, only when a later one needs more.
 */
import type { CliDependencies, Engine } from './cli-dependencies.ts';

export class EngineHolder implements AsyncDisposable {
  readonly #open: (strategies: readonly string[], signal: AbortSignal) => Promise<Engine>;
  readonly #dependencies: Pick<CliDependencies, 'parseStrategy' | 'strategies'>;
  readonly #strategies: string[] = [];
  readonly #loaded = new Set<string>();
  #engine: Engine | null = null;

  constructor(
    dependencies: Pick<CliDependencies, 'parseStrategy' | 'strategies'>,
    open: (strategies: readonly string[], signal: AbortSignal) => Promise<Engine>,
  ) {
    this.#dependencies = dependencies;
    this.#open = open;
  }

  /** An engine that can run `strategy`. If opening fails, the next call tries again. */
  async engineFor(strategy: string, signal: AbortSignal): Promise<Engine> {
    const { name } = this.#dependencies.parseStrategy(strategy);
    const needs = this.#dependencies.strategies.find((known) => known.name === name)?.needs ?? [];
    if (this.#engine !== null && needs.every((model) => this.#loaded.has(model))) {
      return this.#engine;
    }
    // Two engines at once might not fit into memory.
    await this[Symbol.asyncDispose]();
    const engine = await this.#open([...this.#strategies, strategy], signal);
    this.#strategies.push(strategy);
    for (const model of needs) this.#loaded.add(model);
    this.#engine = engine;
    return engine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    await engine?.[Symbol.asyncDispose]();
  }
}
