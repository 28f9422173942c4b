/**
 * A text in the KV cache of both models, for all branches that leave it. A branch begins as a fork of
 * the shared prefix and reads only its own tokens.
 */
import type { ModelId, ModelRole } from '../../core/model-id.ts';
import type { RowResult } from '../../core/row-program.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Lease } from '../../kv-cache/lease.ts';
import type { LocalSession } from '../../session/local-session.ts';
import type { RowsRequest } from '../../session/session.ts';
import { soleSession } from '../../session/sole-session.ts';
import type { TrainingPair } from '../training-pair.ts';
import type { Trajectory } from '../trajectory.ts';

export class ForkPoint implements AsyncDisposable {
  readonly #pair: TrainingPair;
  readonly #prompt: readonly TokenId[];
  readonly #tokens: readonly TokenId[];
  readonly #signal: AbortSignal;
  readonly #sessions = new Map<ModelRole, LocalSession>();

  constructor(
    pair: TrainingPair,
    { prompt, tokens }: Pick<Trajectory, 'prompt' | 'tokens'>,
    signal: AbortSignal = new AbortController().signal,
  ) {
    this.#pair = pair;
    this.#prompt = prompt;
    this.#tokens = tokens;
    this.#signal = signal;
  }

  /**
   * Reads the text, unless the model has read it already, and returns the row that decides each of the
   * trajectory's tokens. All forwards have the same shapes, so branches begin with the same cache.
   * @throws PilotfishError as `Session.rows`
   */
  read(
    role: ModelRole,
    request: Pick<RowsRequest, 'reads' | 'scoredText'> = {},
  ): Promise<readonly RowResult[]> {
    const text = [...this.#prompt, ...this.#tokens.slice(0, -1)];
    const outputCount = this.#tokens.length;
    return this.#session(role).rows({ ...request, text, outputCount, purpose: 'verify' });
  }

  hasRead(role: ModelRole): boolean {
    return (this.#sessions.get(role)?.length ?? 0) > 0;
  }

  /** A lease for one branch. Its sequences begin with the prefix that they share with the text. */
  lease(): Lease {
    const lease = this.#pair.soleLease();
    const smallId = this.#pair.idOf('small');
    const sessionOf = (id: ModelId): LocalSession | undefined =>
      this.#sessions.get(id === smallId ? 'small' : 'large');
    return { ...lease, source: (id) => sessionOf(id)?.branches() ?? lease.source(id) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(open.map((session) => session[Symbol.asyncDispose]()));
  }

  #session(role: ModelRole): LocalSession {
    const { vocabularySize, models } = this.#pair;
    const session =
      this.#sessions.get(role) ??
      soleSession(models[role], {
        modelId: this.#pair.idOf(role),
        lease: this.#pair.soleLease(),
        promptLength: this.#prompt.length,
        sampling: { vocabularySize, sampling: GREEDY, seed: 0 },
        signal: this.#signal,
      });
    this.#sessions.set(role, session);
    return session;
  }
}
