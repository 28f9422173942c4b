/**
 * A model that reads what many texts begin with once: a `LanguageModel` around another one. Examples
 * before a question are several times as long as the question, and on a processor a row of a prompt
 * costs half as much as a written token. Whoever uses a sequence sees the same lengths, rows and
 * failures; behind it is a fork of the prefix, from where its text parts with it.
 */

import { commonLength } from '../core/common-length.ts';
import { PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import { GREEDY } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import { untilAborted } from '../core/until-aborted.ts';
import { OpenSequences } from '../model/open-sequences.ts';
import type { LanguageModel, ModelFacts, Sequence, Vocabulary } from '../model/roles.ts';
import { readAlong } from './read-along.ts';
import { type SharedPrefixHome, SharedPrefixSequence } from './shared-prefix-sequence.ts';

/** Shorter ones are not worth a sequence of the cache. */
export const SHARED_LENGTH_MIN = 32;

/**
 * Rows of one forward while it is read. Executors cut longer ones where another model is writing, and
 * every row behind the prefix would then depend, in its last digits, on what ran before.
 */
const READING_ROW_COUNT_MAX = 64;

interface Reading {
  readonly sequence: Promise<Sequence>;
  readonly stop: AbortController;
}

export class SharedPrefixModel implements LanguageModel {
  readonly #inner: LanguageModel;
  readonly #sequences = new OpenSequences(() => this.facts.sequenceCountMax);
  #prefix: readonly TokenId[] = [];
  /** The prefix, read by whoever came first. */
  #reading: Reading | null = null;

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
    return this.#sequences.count;
  }

  tokenEmbedding(id: TokenId): Float32Array {
    return this.#inner.tokenEmbedding(id);
  }

  /** Tokens of all texts, whoever read them; the prefix by itself is nobody's. */
  async countCachedTokens(): Promise<number> {
    return this.#sequences.tokenCount;
  }

  /**
   * From now on the beginning that all these texts have in common is read once, if it is long enough.
   * No sequence may be open. The prefix takes cells of the cache: a text that does not begin with it
   * has so many less.
   * @returns its length in tokens; 0 where it is not worth it
   */
  async share(texts: readonly (readonly TokenId[])[]): Promise<number> {
    invariant(this.#sequences.count === 0, 'texts are shared before any is read');
    this.#prefix = commonPrefix(texts);
    const { length } = this.#prefix;
    await this.#forget();
    return length;
  }

  openSequence(): SharedPrefixSequence {
    return new SharedPrefixSequence(this.#home());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sequences.close();
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
      sequences: this.#sequences,
      begin: (count, signal) => this.#begin(count, signal),
    };
  }

  async #begin(count: number, signal: AbortSignal | undefined): Promise<Sequence> {
    if (count === 0) return this.#inner.openSequence();
    this.#reading ??= this.#startReading();
    // Whoever gives up does not wait; what is being read is for the others, too.
    const prefix = await untilAborted(this.#reading.sequence, signal);
    if (this.#sequences.isClosed) throw closedError();
    return await prefix.fork(count);
  }

  #startReading(): Reading {
    const stop = new AbortController();
    const reading: Reading = { stop, sequence: this.#read(stop.signal) };
    // Whoever comes next may have more room. Also, nobody may be waiting any more.
    reading.sequence.catch(() => {
      if (this.#reading === reading) this.#reading = null;
    });
    return reading;
  }

  async #read(signal: AbortSignal): Promise<Sequence> {
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
        rowCountMax: Math.min(this.#inner.facts.rowCountMax, READING_ROW_COUNT_MAX),
        signal,
      });
      return sequence;
    } catch (error) {
      await sequence[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #forget(): Promise<void> {
    const reading = this.#reading;
    this.#reading = null;
    reading?.stop.abort(closedError());
    const read = await reading?.sequence.catch(() => null);
    await read?.[Symbol.asyncDispose]();
  }
}

function closedError(): PilotfishError {
  return new PilotfishError('disposed', 'The model was closed.');
}

function commonPrefix(texts: readonly (readonly TokenId[])[]): readonly TokenId[] {
  const [first, ...others] = texts;
  // One text alone has nothing in common with others.
  if (first === undefined || others.length === 0) return [];
  const length = others.reduce(
    (least, text) => Math.min(least, commonLength(first, text)),
    first.length,
  );
  return length < SHARED_LENGTH_MIN ? [] : first.slice(0, length);
}
