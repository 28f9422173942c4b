/**
 * A model that remembers its greedy rows: a `LanguageModel` around another one, so that the engine,
 * every strategy and all accounting run on it unchanged. Owns the model it stands for.
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
   * Keep the model's sequences, when texts end, for the next texts that begin alike; `rest` closes
   * them. Default false.
   */
  readonly keepsSequences?: boolean | undefined;
  /**
   * Compute these with every row that is remembered, and remember them too, in half precision: then
   * whoever asks for them, or for fewer log-probabilities, is answered like everybody else. All
   * hidden states and lists of log-probabilities that the model gives are rounded to halves,
   * remembered or not. A row from before without them is computed again when they are asked for; its
   * choice and scores stay. Default: none, and rows with features are handed on as they are.
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
  /** False: every row is computed, and none is kept. */
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

  /** Output rows that were remembered, and those that the model computed. */
  get rowCounts(): { readonly known: number; readonly computed: number } {
    return { known: this.#knownRowCount, computed: this.#computedRowCount };
  }

  /** Tokens of all texts, whether the model itself has read them or not. */
  async countCachedTokens(): Promise<number> {
    return this.#sequences.tokenCount;
  }

  openSequence(): CachedSequence {
    return new CachedSequence(this.#home());
  }

  /** Closes sequences of the model that are kept for the next text. */
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
