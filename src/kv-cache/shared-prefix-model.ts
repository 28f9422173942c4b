/**
 * A model that reads what many texts begin with once: a `LanguageModel` around another one. Examples
 * before a question are several times as long as the question, and on a processor a row of a prompt
 * costs half as much as a written token. Whoever uses a sequence sees the same lengths, rows and
 * failures; behind it is a fork of the prefix, from where its text parts with it.
 */
import { PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import { GREEDY } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { LanguageModel, ModelFacts, Sequence, Vocabulary } from '../model/roles.ts';
import { commonLength } from './common-length.ts';
import { readAlong } from './read-along.ts';
import { type SharedPrefixHome, SharedPrefixSequence } from './shared-prefix-sequence.ts';

/** Shorter ones are not worth a sequence of the cache. */
export const SHARED_LENGTH_MIN = 32;

export class SharedPrefixModel implements LanguageModel {
  readonly #inner: LanguageModel;
  readonly #open = new Set<Sequence>();
  #prefix: readonly TokenId[] = [];
  /** The prefix, read by whoever came first. */
  #reading: Promise<Sequence> | null = null;
  #isClosed = false;

  constructor(inner: LanguageModel) {
    this.#inner = inner;
  }

  /** One sequence is kept for the prefix. */
  get facts(): ModelFacts {
    const { facts } = this.#inner;
    return { ...facts, sequenceCountMax: facts.sequenceCountMax - 1 };
  }

  get vocabulary(): Vocabulary {
    return this.#inner.vocabulary;
  }

  get sequenceCount(): number {
    return this.#open.size;
  }

  tokenEmbedding(id: TokenId): Float32Array {
    return this.#inner.tokenEmbedding(id);
  }

  /** Tokens of all texts, whoever read them; the prefix by itself is nobody's. */
  async countCachedTokens(): Promise<number> {
    return [...this.#open].reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * From now on the beginning that all these texts have in common is read once, if it is long enough.
   * No sequence may be open.
   * @returns its length in tokens; 0 where it is not worth it
   */
  async share(texts: readonly (readonly TokenId[])[]): Promise<number> {
    invariant(this.#open.size === 0, 'texts are shared before any is read');
    await this.#forget();
    this.#prefix = commonPrefix(texts);
    return this.#prefix.length;
  }

  openSequence(): SharedPrefixSequence {
    if (this.#isClosed) throw new PilotfishError('disposed', 'The model was closed.');
    return new SharedPrefixSequence(this.#home());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    try {
      await this.#forget();
    } finally {
      await this.#inner[Symbol.asyncDispose]();
    }
  }

  #home(): SharedPrefixHome {
    return {
      prefix: this.#prefix,
      rowCountMax: this.#inner.facts.rowCountMax,
      begin: (count) => this.#begin(count),
      admit: (sequence) => {
        const countMax = this.facts.sequenceCountMax;
        if (this.#open.size >= countMax) {
          throw new PilotfishError('sequences-exhausted', `All ${countMax} sequences are in use.`);
        }
        this.#open.add(sequence);
      },
      leave: (sequence) => this.#open.delete(sequence),
    };
  }

  async #begin(count: number): Promise<Sequence> {
    if (count === 0) return this.#inner.openSequence();
    this.#reading ??= this.#read();
    return await (await this.#reading).fork(count);
  }

  async #read(): Promise<Sequence> {
    const sequence = this.#inner.openSequence();
    try {
      await readAlong(sequence, this.#prefix, {
        outputFrom: this.#prefix.length,
        // Of no row, as none has outputs.
        program: {
          vocabularySize: this.vocabulary.size,
          sampling: GREEDY,
          seed: 0,
          purpose: 'sample',
        },
        rowCountMax: this.#inner.facts.rowCountMax,
      });
      return sequence;
    } catch (error) {
      // Whoever comes next may have more room.
      this.#reading = null;
      await sequence[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #forget(): Promise<void> {
    const reading = this.#reading;
    this.#reading = null;
    const read = await reading?.catch(() => null);
    await read?.[Symbol.asyncDispose]();
  }
}

function commonPrefix(texts: readonly (readonly TokenId[])[]): readonly TokenId[] {
  const [first, ...others] = texts;
  // One text alone has nothing in common with others.
  if (first === undefined || others.length === 0) return [];
  const length = Math.min(...others.map((text) => commonLength(first, text)));
  return length < SHARED_LENGTH_MIN ? [] : first.slice(0, length);
}
