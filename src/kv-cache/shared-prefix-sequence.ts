/** A sequence of a `SharedPrefixModel`. */
import { throwIfAborted } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Forward, ForwardRequest, Sequence } from '../model/roles.ts';
import { commonLength } from './common-length.ts';

/** The model that a sequence belongs to. */
export interface SharedPrefixHome {
  readonly prefix: readonly TokenId[];
  readonly rowCountMax: number;
  /** A sequence of the inner model that has read so many tokens of the prefix. */
  begin(count: number): Promise<Sequence>;
  /** Enters a sequence into the model's count. @throws PilotfishError `sequences-exhausted` */
  admit(sequence: Sequence): void;
  leave(sequence: Sequence): void;
}

interface Start {
  readonly sharedLength: number;
  readonly inner: Sequence | null;
}

export class SharedPrefixSequence implements Sequence {
  readonly #home: SharedPrefixHome;
  /** While there is no inner sequence: so much of the prefix is the text. */
  #sharedLength: number;
  /** From the first token on that is not the prefix's, or has outputs. */
  #inner: Sequence | null;
  #isClosed = false;

  constructor(home: SharedPrefixHome, start: Start = { sharedLength: 0, inner: null }) {
    this.#home = home;
    this.#sharedLength = start.sharedLength;
    this.#inner = start.inner;
    home.admit(this);
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
    this.#inner = await this.#home.begin(this.#sharedLength + sharedCount);
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
    const inner = this.#inner === null ? null : await this.#inner.fork(length);
    try {
      return new SharedPrefixSequence(this.#home, { sharedLength: length, inner });
    } catch (error) {
      await inner?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#home.leave(this);
    await this.#inner?.[Symbol.asyncDispose]();
  }
}
