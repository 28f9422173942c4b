/**
 * A prefix that many texts begin with, in a sequence of its own that they fork. Examples before a
 * question are several times as long as the question, and on a processor a row of a prompt costs half
 * as much as a written token.
 */
import { PilotfishError, throwIfAborted } from '../core/errors.ts';
import type { RowProgram } from '../core/row-program.ts';
import { GREEDY } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { LanguageModel, Sequence } from '../model/roles.ts';

/**
 * Rows of one forward of the reading. Executors cut longer forwards where another model is writing,
 * and the last digits of every row behind the prefix would then depend on what ran before.
 */
const READING_ROW_COUNT_MAX = 64;

export type ReadingModel = Pick<LanguageModel, 'openSequence' | 'facts' | 'vocabulary'>;

export class PinnedPrefix implements AsyncDisposable {
  readonly tokens: readonly TokenId[];
  readonly #model: ReadingModel;
  readonly #stop = new AbortController();
  #sequence: Sequence | null = null;

  constructor(model: ReadingModel, tokens: readonly TokenId[]) {
    this.#model = model;
    this.tokens = tokens;
  }

  /** Tokens that it holds in the KV cache. */
  get cellCount(): number {
    return this.#sequence?.length ?? 0;
  }

  /** Sequences that it will take beside those that it has. */
  get unopenedCount(): number {
    return this.#sequence === null ? 1 : 0;
  }

  /**
   * A sequence that holds the first `length` tokens. The first call reads the whole prefix; after a
   * failure the next one tries again. One call at a time.
   * @throws PilotfishError as `Sequence.forward`, `sequences-exhausted`; `disposed` after `stop`
   */
  async fork(length: number): Promise<Sequence> {
    throwIfAborted(this.#stop.signal);
    this.#sequence ??= await this.#read(this.#stop.signal);
    return await this.#sequence.fork(length);
  }

  /** Ends a reading under way. */
  stop(): void {
    this.#stop.abort(new PilotfishError('disposed', 'The prefix is no longer pinned.'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sequence = this.#sequence;
    this.#sequence = null;
    await sequence?.[Symbol.asyncDispose]();
  }

  async #read(signal: AbortSignal): Promise<Sequence> {
    const { facts, vocabulary } = this.#model;
    const rowCountMax = Math.min(facts.rowCountMax, READING_ROW_COUNT_MAX);
    // The forwards have no outputs, but every forward has a program.
    const any = { vocabularySize: vocabulary.size, sampling: GREEDY, seed: 0 };
    const program: RowProgram = { ...any, purpose: 'sample' };
    const sequence = this.#model.openSequence();
    try {
      while (sequence.length < this.tokens.length) {
        throwIfAborted(signal);
        const tokens = this.tokens.slice(sequence.length, sequence.length + rowCountMax);
        await sequence.forward({ tokens, outputFrom: tokens.length, program }, signal);
      }
      return sequence;
    } catch (error) {
      await sequence[Symbol.asyncDispose]();
      throw error;
    }
  }
}
