/**
 * Grows the tree of a question: both models' greedy steps at every state that mixtures of their steps
 * reach. States of one model's own answer come first, then those that differ from it by one step of the
 * other model, and so on (limited discrepancy search; Harvey and Ginsberg, 1995), because methods that
 * mix little are found there. Past the limit on states with a small step, only the large model writes
 * on, so that every state has a value.
 */
import type { ModelRole } from '../../core/model-id.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Question } from '../../evaluation/question.ts';
import { singleModel } from '../../strategy/single-model.ts';
import { STEP_LIMITS } from '../../strategy/step-boundary.ts';
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
  /** The fewest steps of each model on a path to it. */
  smallCount: number;
  largeCount: number;
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
  const open: Growing[] = [];
  const stateFor = (answer: readonly TokenId[], smallCount: number, largeCount: number): number => {
    const key = answer.join(' ');
    const index = known.get(key) ?? states.length;
    const found = states[index];
    if (found !== undefined) {
      found.smallCount = Math.min(found.smallCount, smallCount);
      found.largeCount = Math.min(found.largeCount, largeCount);
      return index;
    }
    known.set(key, index);
    const isWhole = isEnded(answer, options);
    const value = isWhole ? valueOfText(answer, question, pair.models.large.vocabulary) : null;
    const state = { value, small: null, large: null };
    const growing = { answer, state, smallCount, largeCount };
    states.push(growing);
    if (!isWhole) open.push(growing);
    return index;
  };
  const step = async (role: ModelRole, from: Growing): Promise<StepEdge> => {
    const { answer, smallCount, largeCount } = from;
    const text = [...prompt, ...answer];
    const tokens = await rollOut({
      ...{ models: pair, lease: pair.reusingLease(), strategy: singleModel(role), text },
      lengthMax: Math.min(prompt.length + maxTokens, text.length + STEP_LIMITS.stepTokenCountMax),
      ...{ sampling: GREEDY, seed: 0, stop: options.separators, signal: options.signal },
    });
    const to = [...answer, ...tokens];
    const isSmall = role === 'small';
    return {
      tokens,
      to: stateFor(to, smallCount + Number(isSmall), largeCount + Number(!isSmall)),
    };
  };
  stateFor([], 0, 0);
  for (let smallStepCount = 0; ; ) {
    const next = takeNext(open);
    if (next === null) break;
    // The large model's step comes first, so that its own answer is never left out.
    const large = await step('large', next);
    const isGrown = smallStepCount < stateCountMax;
    if (isGrown) smallStepCount += 1;
    next.state = { value: null, small: isGrown ? await step('small', next) : null, large };
  }
  return states.map(({ state }) => state);
}

/** Takes the first of the states with the fewest steps of either model; null: there are none. */
function takeNext(open: Growing[]): Growing | null {
  const mixed = ({ smallCount, largeCount }: Growing): number => Math.min(smallCount, largeCount);
  const fewest = Math.min(...open.map(mixed));
  const at = open.findIndex((growing) => mixed(growing) === fewest);
  return open.splice(at, 1)[0] ?? null;
}

function isEnded(answer: readonly TokenId[], { pair, maxTokens }: GrowOptions): boolean {
  const last = answer.at(-1);
  return last !== undefined && (pair.isEndOfGeneration(last) || answer.length >= maxTokens);
}
