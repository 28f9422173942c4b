/** A sequence of a `SharedPrefixModel`. */

import { commonLength } from '../core/common-length.ts';
import { throwIfAborted } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import type { TokenId } from '../core/token-id.ts';
import type { OpenSequences } from '../model/open-sequences.ts';
import type { Forward, ForwardRequest, Sequence } from '../model/roles.ts';

/** The model that a sequence belongs to. */
export interface SharedPrefixHome {
  readonly prefix: readonly TokenId[];
  readonly rowCountMax: number;
  /** The model's open ones. */
  readonly sequences: OpenSequences;
  /**
   * A sequence of the inner model that has read so many tokens of the prefix.
   * @throws PilotfishError as `Sequence.forward`; `aborted` at once
   */
  begin(count: number, signal: AbortSignal | undefined): Promise<Sequence>;
}

export class SharedPrefixSequence implements Sequence {
  readonly #home: SharedPrefixHome;
  /** While there is no inner sequence: so much of the prefix is the text. */
  #sharedLength: number;
  /** From the first token on that is not the prefix's, or has outputs. */
  #inner: Sequence | null = null;
  #isClosed = false;

  constructor(home: SharedPrefixHome, sharedLength = 0) {
    this.#home = home;
    this.#sharedLength = sharedLength;
    home.sequences.admit(this);
  }

  get length(): number {
    return this.#inner?.length ?? this.#sharedLength;
  }

  async forward(request: ForwardRequest, signal?: AbortSignal): Promise<Forward> {
    invariant(!this.#isClosed, 'the sequence was closed');
    const { tokens, outputFrom } = request;
    invariant(tokens.length > 0 && tokens.length <= this.#home.rowCountMax, 'wrong row count');
    invariant(outputFrom >= 0 && outputFrom <= tokens.length, 'outputs start outside the rows');
    if (this.#inner !== null) return await this.#inner.forward(request, signal);
    throwIfAborted(signal);
    const ahead = this.#home.prefix.slice(this.#sharedLength);
    const sharedCount = Math.min(commonLength(ahead, tokens), outputFrom);
    if (sharedCount === tokens.length) {
      this.#sharedLength += sharedCount;
      return { rows: [], waitedMs: 0, computeMs: 0 };
    }
    this.#inner = await this.#home.begin(this.#sharedLength + sharedCount, signal);
    const own = { tokens: tokens.slice(sharedCount), outputFrom: outputFrom - sharedCount };
    return await this.#inner.forward({ ...request, ...own }, signal);
  }

  async truncate(length: number): Promise<void> {
    invariant(length >= 0 && length <= this.length, `cannot cut to ${length}`);
    if (this.#inner === null) this.#sharedLength = length;
    else await this.#inner.truncate(length);
  }

  async fork(length: number = this.length): Promise<SharedPrefixSequence> {
    invariant(length >= 0 && length <= this.length, `cannot fork ${length} of ${this.length}`);
    const copy = new SharedPrefixSequence(this.#home, length);
    if (this.#inner === null) return copy;
    try {
      copy.#inner = await this.#inner.fork(length);
      return copy;
    } catch (error) {
      await copy[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#home.sequences.leave(this);
    await this.#inner?.[Symbol.asyncDispose]();
  }
}
