/**
 * A model that remembers its rows: greedy ones for good, others until the store is released. It wraps
 * another `LanguageModel`, so the engine, every strategy and all accounting run on it unchanged. It owns
 * the wrapped model.
 */
import type { TokenId } from '../../core/token-id.ts';
import { OpenSequences } from '../open-sequences.ts';
import type { LanguageModel, ModelFacts, Vocabulary } from '../roles.ts';
import { plainSequences, type SequencePool } from '../sequence-source.ts';
import { type CachedHome, CachedSequence } from './cached-sequence.ts';
import type { RowFeatures } from './row-features.ts';
import type { TrieStore } from './trie-store.ts';

export interface CachedModelOptions {
  /**
   * The source of the model's sequences; it keeps them for later texts with the same beginning and is
   * closed with the model. Default: every text has a sequence of its own.
   */
  readonly pool?: SequencePool | undefined;
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
  readonly #pool: SequencePool | null;
  readonly #features: RowFeatures | null;
  #knownRowCount = 0;
  #computedRowCount = 0;
  /** False: every row is computed, in sequences that share nothing, and none is remembered. */
  remembers = true;

  constructor(inner: LanguageModel, store: TrieStore, options: CachedModelOptions = {}) {
    this.#inner = inner;
    this.#store = store;
    this.#pool = options.pool ?? null;
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sequences.close();
    await this.#pool?.[Symbol.asyncDispose]();
    await this.#inner[Symbol.asyncDispose]();
    await this.#store.release();
  }

  #home(): CachedHome {
    return {
      inner: this.#inner,
      sequences: this.#sequences,
      store: this.#store,
      source: () => (this.remembers ? this.#pool : null) ?? plainSequences(this.#inner),
      reclaim: async () => {
        await this.#pool?.clear();
        return this.#pool !== null;
      },
      features: this.#features,
      remembers: () => this.remembers,
      count: (rowCount, isKnown) => {
        if (isKnown) this.#knownRowCount += rowCount;
        else this.#computedRowCount += rowCount;
      },
    };
  }
}
