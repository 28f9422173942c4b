/**
 * Grows the tree of a question: both models' greedy steps at every state that mixtures of their steps
 * reach, breadth first. Past the limit on states with a small step, only the large model writes on, so
 * that every state has a value.
 */
import { required } from '../../core/invariant.ts';
import type { ModelRole } from '../../core/model-id.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Question } from '../../evaluation/question.ts';
import { singleModel } from '../../strategy/single-model.ts';
import { rollOut } from '../rollouts/roll-out.ts';
import type { TrainingPair } from '../training-pair.ts';
import { valueOfText } from '../value-of-text.ts';
import type { StepEdge, StepState, StepTree } from './step-tree.ts';

export interface GrowOptions {
  readonly pair: TrainingPair;
  /** The texts that end a step. */
  readonly separators: readonly string[];
  /** The most tokens of an answer. */
  readonly maxTokens: number;
  /** The most states of a tree at which the small model's step is known, too. */
  readonly stateCountMax: number;
  readonly signal?: AbortSignal | undefined;
}

interface Growing {
  readonly answer: readonly TokenId[];
  state: StepState;
}

/** @throws PilotfishError as `runRequest` */
export async function growTree(
  question: Question,
  prompt: readonly TokenId[],
  options: GrowOptions,
): Promise<StepTree> {
  const { pair, maxTokens, stateCountMax } = options;
  const known = new Map<string, number>();
  const states: Growing[] = [];
  const stateFor = (answer: readonly TokenId[]): number => {
    const key = answer.join(' ');
    const index = known.get(key) ?? states.length;
    if (index === states.length) {
      known.set(key, index);
      const isWhole = isEnded(answer, options);
      const value = isWhole ? valueOfText(answer, question, pair.models.large.vocabulary) : null;
      states.push({ answer, state: { value, small: null, large: null } });
    }
    return index;
  };
  const step = async (role: ModelRole, answer: readonly TokenId[]): Promise<StepEdge> => {
    const text = [...prompt, ...answer];
    const tokens = await rollOut({
      ...{ models: pair, lease: pair.soleLease(), strategy: singleModel(role), text },
      ...{ lengthMax: prompt.length + maxTokens, sampling: GREEDY, seed: 0 },
      ...{ stop: options.separators, signal: options.signal },
    });
    return { tokens, to: stateFor([...answer, ...tokens]) };
  };
  stateFor([]);
  for (let at = 0; at < states.length; at += 1) {
    const growing = required(states[at], 'a state');
    if (growing.state.value !== null) continue;
    const { answer } = growing;
    // The large model's step comes first, so that its own answer is never left out.
    const large = await step('large', answer);
    const small = at < stateCountMax ? await step('small', answer) : null;
    growing.state = { value: null, small, large };
  }
  return states.map(({ state }) => state);
}

function isEnded(answer: readonly TokenId[], { pair, maxTokens }: GrowOptions): boolean {
  const last = answer.at(-1);
  return last !== undefined && (pair.isEndOfGeneration(last) || answer.length >= maxTokens);
}
