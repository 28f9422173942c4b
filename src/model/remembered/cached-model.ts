/**
 * A model that remembers its greedy rows. It wraps another `LanguageModel`, so the engine, every
 * strategy and all accounting run on it unchanged. It owns the wrapped model.
 */
import type { TokenId } from '../../core/token-id.ts';
import { OpenSequences } from '../open-sequences.ts';
import type { LanguageModel, ModelFacts, Vocabulary } from '../roles.ts';
import { type CachedHome, CachedSequence } from './cached-sequence.ts';
import { IdleSequences } from './idle-sequences.ts';
import type { RowFeatures } from './row-features.ts';
import type { TrieStore } from './trie-store.ts';

export interface CachedModelOptions {
  /**
   * When a text ends, keep the model's sequence for later texts with the same beginning; `rest`
   * closes the kept sequences. Default false.
   */
  readonly keepsSequences?: boolean | undefined;
  /**
   * Features to compute and remember with every row, in half precision. A later request for them,
   * or for fewer log-probabilities, is then answered from memory.
   *
   * - All hidden states and lists of log-probabilities are rounded to half precision, remembered or
   *   not.
   * - A row remembered without features is computed again when a request reads them; its token and
   *   scores stay.
   *
   * Default: none; rows with features then pass through unchanged.
   */
  readonly features?: RowFeatures | undefined;
}

export class CachedModel implements LanguageModel {
  readonly #inner: LanguageModel;
  readonly #store: TrieStore;
  readonly #sequences = new OpenSequences(() => this.facts.sequenceCountMax);
  readonly #idle: IdleSequences;
  readonly #keepsSequences: boolean;
  readonly #features: RowFeatures | null;
  #knownRowCount = 0;
  #computedRowCount = 0;
  /** False: every row is computed, and none is remembered. */
  remembers = true;

  constructor(inner: LanguageModel, store: TrieStore, options: CachedModelOptions = {}) {
    this.#inner = inner;
    this.#store = store;
    this.#idle = new IdleSequences(inner);
    this.#keepsSequences = options.keepsSequences ?? false;
    this.#features = options.features ?? null;
  }

  get facts(): ModelFacts {
    return this.#inner.facts;
  }

  get vocabulary(): Vocabulary {
    return this.#inner.vocabulary;
  }

  tokenEmbedding(id: TokenId): Float32Array {
    return this.#inner.tokenEmbedding(id);
  }

  get sequenceCount(): number {
    return this.#sequences.count;
  }

  /** The output rows that were remembered, and those that the model computed. */
  get rowCounts(): { readonly known: number; readonly computed: number } {
    return { known: this.#knownRowCount, computed: this.#computedRowCount };
  }

  /** The tokens of all open texts, whether or not the wrapped model has read them. */
  async countCachedTokens(): Promise<number> {
    return this.#sequences.tokenCount;
  }

  openSequence(): CachedSequence {
    return new CachedSequence(this.#home());
  }

  /** Closes the model's sequences that are kept for later texts. */
  async rest(): Promise<void> {
    await this.#idle.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sequences.close();
    await this.rest();
    await this.#inner[Symbol.asyncDispose]();
    await this.#store.release();
  }

  #home(): CachedHome {
    return {
      inner: this.#inner,
      sequences: this.#sequences,
      store: this.#store,
      idle: this.#idle,
      features: this.#features,
      keepsSequences: () => this.#keepsSequences && this.remembers && !this.#sequences.isClosed,
      remembers: () => this.remembers,
      count: (rowCount, isKnown) => {
        if (isKnown) this.#knownRowCount += rowCount;
        else this.#computedRowCount += rowCount;
      },
    };
  }
}
