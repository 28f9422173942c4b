/**
 * A question's trajectory in the KV cache of both models, for everything that branches off it: a
 * branch begins as a fork of what it shares with the trajectory, and reads only its own tokens.
 */

import { commonLength } from '../../core/common-length.ts';
import type { ModelRole } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { SequenceSource } from '../../kv-cache/sequence-source.ts';
import type { Sequence } from '../../model/roles.ts';
import type { TrainingPair } from '../training-pair.ts';

export class ForkPoint implements AsyncDisposable {
  /** Prompt and trajectory. */
  readonly text: readonly TokenId[];
  readonly #pair: TrainingPair;
  readonly #sequences = new Map<ModelRole, Sequence>();

  constructor(pair: TrainingPair, text: readonly TokenId[]) {
    this.#pair = pair;
    this.text = text;
  }

  /** A model's sequence of the trajectory; opened, and empty, at the first call. */
  sequence(role: ModelRole): Sequence {
    const known = this.#sequences.get(role);
    if (known !== undefined) return known;
    const sequence = this.#pair.models[role].openSequence();
    this.#sequences.set(role, sequence);
    return sequence;
  }

  /** Sequences for branches: with what they share with what this forkPoint has read. */
  source(role: ModelRole): SequenceSource {
    return {
      open: async (text, lengthMax) => {
        const forkPoint = this.#sequences.get(role);
        const length =
          forkPoint === undefined
            ? 0
            : Math.min(lengthMax, forkPoint.length, commonLength(this.text, text));
        if (length === 0) {
          return { sequence: this.#pair.models[role].openSequence(), tokens: [] };
        }
        const sequence = await required(forkPoint, 'it has read something').fork(length);
        return { sequence, tokens: text.slice(0, length) };
      },
      close: ({ sequence }) => Promise.resolve(sequence[Symbol.asyncDispose]()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#sequences.values()];
    this.#sequences.clear();
    await Promise.all(open.map((sequence) => sequence[Symbol.asyncDispose]()));
  }
}
