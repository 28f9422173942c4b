/** Writes a text to its end under a strategy: a branch of a trajectory, or a whole answer. */
import { systemClock } from '../../core/clock.ts';
import { required } from '../../core/invariant.ts';
import type { SamplingParams } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { ModelSet } from '../../engine/model-set.ts';
import { runRequest } from '../../engine/run-request.ts';
import type { Lease } from '../../kv-cache/lease.ts';
import type { Strategy } from '../../strategy/strategy.ts';

export interface RollOutOptions {
  readonly models: ModelSet;
  /** A lease for the rollout alone. It ends with the rollout. */
  readonly lease: Lease;
  readonly strategy: Strategy;
  /** The beginning: the prompt, the trajectory up to the branch, and the branch's token. */
  readonly text: readonly TokenId[];
  /** The most tokens of the whole text. The context's length is a limit, too. */
  readonly lengthMax: number;
  readonly sampling: SamplingParams;
  readonly seed: number;
  /** Texts after which the writing stops; default: none. */
  readonly stop?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @returns the tokens written after the text, its end-of-generation token included; none if the text has
 *   ended already or has its greatest length
 * @throws PilotfishError as `runRequest`
 */
export async function rollOut(options: RollOutOptions): Promise<readonly TokenId[]> {
  const { models, lease, strategy, text, lengthMax, sampling, seed, stop = [] } = options;
  const signal = options.signal ?? new AbortController().signal;
  const maxTokens = Math.min(lengthMax, models.contextLength) - text.length;
  if (maxTokens < 1 || models.isEndOfGeneration(required(text.at(-1), 'a text begins'))) return [];
  const request = { sampling, seed, maxTokens, stop, logprobs: false };
  const run = { request, prompt: text, strategy, models, lease, clock: systemClock, signal };
  const written: TokenId[] = [];
  for await (const event of runRequest(run)) {
    if (event.type === 'token') written.push(event.tokenId);
  }
  return written;
}
