/** Writes a text to its end under a strategy: a branch of a trajectory, or a whole answer. */
import { seededDraws } from '../../core/draws.ts';
import { throwIfAborted } from '../../core/errors.ts';
import type { ModelRole } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import type { SamplingParams } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import { LocalSession } from '../../session/local-session.ts';
import { WorkRecorder } from '../../session/work-recorder.ts';
import type { Strategy } from '../../strategy/strategy.ts';
import type { ForkPoint } from '../traces/fork-point.ts';
import type { TrainingPair } from '../training-pair.ts';

export interface RollOutOptions {
  readonly pair: TrainingPair;
  readonly forkPoint: ForkPoint;
  readonly strategy: Strategy;
  /** What is there already: the prompt, the trajectory up to the branch, the branch's token. */
  readonly text: readonly TokenId[];
  /** Tokens of the whole text at most; never more than the context has room for. */
  readonly lengthMax: number;
  readonly sampling: SamplingParams;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @returns what was written behind the text, its end-of-generation token included; nothing where the
 *   text has ended already or has its greatest length
 * @throws PilotfishError as `Sequence.forward`
 */
export async function rollOut(options: RollOutOptions): Promise<readonly TokenId[]> {
  const { pair, strategy, sampling, seed } = options;
  const { small, large } = pair.models;
  // As in the engine: a text that fills the context ends there.
  const room = Math.min(small.facts.contextLength, large.facts.contextLength);
  const lengthMax = Math.min(options.lengthMax, room);
  const text = [...options.text];
  const signal = options.signal ?? new AbortController().signal;
  const sequences = new Map<ModelRole, LocalSession>();
  const isEndOfGeneration = (id: TokenId): boolean => pair.isEndOfGeneration(id);
  const decoder = strategy.begin({
    sequence: (role) => sequenceOf(role, sequences, options),
    draws: seededDraws(seed),
    program: { vocabularySize: pair.vocabularySize, sampling, seed, purpose: 'sample' },
    isEndOfGeneration,
  });
  try {
    while (text.length < lengthMax && !isEndOfGeneration(required(text.at(-1), 'a text begins'))) {
      throwIfAborted(signal);
      const round = { text, tokenCountMax: lengthMax - text.length };
      for (const { tokenId } of await decoder.round(round, signal)) {
        text.push(tokenId);
        if (text.length >= lengthMax || isEndOfGeneration(tokenId)) break;
      }
    }
    return text.slice(options.text.length);
  } finally {
    for (const sequence of sequences.values()) await sequence[Symbol.asyncDispose]();
  }
}

function sequenceOf(
  role: ModelRole,
  open: Map<ModelRole, LocalSession>,
  { pair, forkPoint, text }: RollOutOptions,
): LocalSession {
  const known = open.get(role);
  if (known !== undefined) return known;
  const sequence = new LocalSession({
    role,
    modelId: role,
    source: forkPoint.source(role),
    promptLength: text.length,
    rowCountMax: pair.models[role].facts.rowCountMax,
    recorder: new WorkRecorder(),
  });
  open.set(role, sequence);
  return sequence;
}
