/** A sequence whose test decides when a fork, cut or close ends, and whether it succeeds. */
import type { Sequence } from '../../model/roles.ts';

export class HeldSequence implements Sequence {
  readonly inner: Sequence;
  hold: Promise<unknown> = Promise.resolve();
  failure: unknown = null;
  closedCount = 0;

  constructor(inner: Sequence) {
    this.inner = inner;
  }

  get length(): number {
    return this.inner.length;
  }

  forward: Sequence['forward'] = (request, signal) => this.inner.forward(request, signal);

  async truncate(length: number): Promise<void> {
    await this.#held();
    await this.inner.truncate(length);
  }

  async fork(length?: number): Promise<Sequence> {
    await this.#held();
    return await this.inner.fork(length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closedCount += 1;
    await this.#held();
    await this.inner[Symbol.asyncDispose]();
  }

  async #held(): Promise<void> {
    await this.hold;
    if (this.failure !== null) throw this.failure;
  }
}
