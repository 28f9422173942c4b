/**
 * A model that counts its events, and fails on demand. A canary changes the behaviour of its sequences,
 * which the simulation must notice.
 */
import { PilotfishError } from '../../src/core/errors.ts';
import { InvariantError } from '../../src/core/invariant.ts';
import { GREEDY } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenId } from '../../src/core/token-id.ts';
import type {
  Forward,
  ForwardRequest,
  LanguageModel,
  ModelFacts,
  Sequence,
  Vocabulary,
} from '../../src/model/roles.ts';
import type { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';

export type FailureKind = 'native-failed' | 'invariant' | 'kv-full' | 'none';

export interface Observer {
  /** Runs before every forward: waits for its turn, and returns how it ends. */
  readonly beforeForward: (signal?: AbortSignal) => Promise<FailureKind>;
  readonly afterKvFull: () => void;
}

/** The changes of a canary to lengths. By default there are none. */
export interface Bend {
  readonly truncate?: (length: number) => number;
  readonly fork?: (length: number) => number;
}

export class ObservedModel implements LanguageModel {
  readonly facts: ModelFacts;
  readonly vocabulary: Vocabulary;
  readonly #inner: ScriptedModel;
  readonly #observer: Observer;
  readonly #bend: Bend;

  constructor(inner: ScriptedModel, observer: Observer, bend: Bend = {}) {
    this.facts = inner.facts;
    this.vocabulary = inner.vocabulary;
    this.#inner = inner;
    this.#observer = observer;
    this.#bend = bend;
  }

  tokenEmbedding(id: TokenId): Float32Array {
    return this.#inner.tokenEmbedding(id);
  }

  get sequenceCount(): number {
    return this.#inner.sequenceCount;
  }

  countCachedTokens(): Promise<number> {
    return this.#inner.countCachedTokens();
  }

  openSequence(): Sequence {
    return new ObservedSequence(this.#inner.openSequence(), this.#observer, this.#bend);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner[Symbol.asyncDispose]();
  }
}

export class ObservedSequence implements Sequence {
  /** The tokens that it was fed, as far as its user can know. A failure may have left others. */
  readonly believed: TokenId[] = [];
  readonly #inner: Sequence;
  readonly #observer: Observer;
  readonly #bend: Bend;

  constructor(inner: Sequence, observer: Observer, bend: Bend) {
    this.#inner = inner;
    this.#observer = observer;
    this.#bend = bend;
  }

  get length(): number {
    return this.#inner.length;
  }

  async forward(request: ForwardRequest, signal?: AbortSignal): Promise<Forward> {
    const kind = await this.#observer.beforeForward(signal);
    if (kind !== 'none') await this.#fail(kind);
    try {
      const forward = await this.#inner.forward(request, signal);
      this.believed.push(...request.tokens);
      return forward;
    } catch (error) {
      const isFull = PilotfishError.isInstance(error) && error.code === 'kv-full';
      if (isFull) this.#observer.afterKvFull();
      throw error;
    }
  }

  truncate(length: number): Promise<void> {
    this.believed.length = length;
    return this.#inner.truncate(this.#bend.truncate?.(length) ?? length);
  }

  async fork(length: number = this.length): Promise<Sequence> {
    const copy = await this.#inner.fork(this.#bend.fork?.(length) ?? length);
    const observed = new ObservedSequence(copy, this.#observer, this.#bend);
    observed.believed.push(...this.believed.slice(0, length));
    return observed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  async #fail(kind: FailureKind): Promise<never> {
    if (kind === 'kv-full') throw new PilotfishError('kv-full', 'simulated: no room');
    await this.#corrupt();
    if (kind === 'invariant') throw new InvariantError('simulated: a bug');
    throw new PilotfishError('native-failed', 'simulated: a lost context');
  }

  /**
   * Leaves as many tokens as before, but another one at the end. The sequence must not be used again.
   */
  async #corrupt(): Promise<void> {
    if (this.length === 0) return;
    await this.#inner.truncate(this.length - 1);
    const program = { vocabularySize: 1, sampling: GREEDY, seed: 0, purpose: 'sample' as const };
    const wrong = { tokens: [tokenId(this.length % 2)], outputFrom: 1, program };
    // The model may have been closed meanwhile.
    await this.#inner.forward(wrong).catch(() => undefined);
  }
}
