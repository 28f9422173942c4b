/**
 * A question as a tree of steps: at each state (an answer up to the end of a step), the small model's
 * next step and the large model's, both greedy. Equal texts are one state. All labels, the oracle, and
 * exact replays of step methods are read off it, without another forward. Pure.
 */
import { required } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';

/** A step from one state to another. */
export interface StepEdge {
  readonly tokens: readonly TokenId[];
  /** The index of the state that it leads to. */
  readonly to: number;
}

/** A state of an answer. A whole answer has a value and no steps. */
export interface StepState {
  /** 1 right, 0 wrong; null: the answer goes on. */
  readonly value: number | null;
  /** Null: the answer is whole, or the tree's limit left this state out. */
  readonly small: StepEdge | null;
  /** Null: the answer is whole. */
  readonly large: StepEdge | null;
}

/** State 0 is the empty answer. Steps lead to states with higher indices. */
export type StepTree = readonly StepState[];

/**
 * The value of the answer that follows from a state where the large model writes on alone.
 */
export function largeValue(tree: StepTree, state: number): number {
  const { value, large } = stateOf(tree, state);
  return value ?? largeValue(tree, required(large, 'an answer goes on').to);
}

/** The best value of any mixture of both models' steps from a state. */
export function bestValue(tree: StepTree, state: number): number {
  const { value, small, large } = stateOf(tree, state);
  if (value !== null) return value;
  return Math.max(...[small, large].map((edge) => (edge === null ? 0 : bestValue(tree, edge.to))));
}

/** The value of a state: how well answers end that go on from it, in [0, 1]. */
export type ValueOf = (state: number) => number;

/** What is good about a step: that nothing is lost by it, or that it can still be finished. */
export type StepLabel = 'advantage' | 'value';

/**
 * How good the small model's step at a state is, in [0, 1]. Null: the state has no small step.
 *
 * - `advantage`: 1 less what is lost against the large model's own step. With values 0 and 1 it is 1 iff
 *   the answer still ends right, or ends wrong after the large model's step too. The second part keeps
 *   lost states from teaching that every step after them is bad.
 * - `value`: the value of the state that the step leads to (Math-Shepherd, arXiv 2312.08935).
 */
export function stepLabel(
  tree: StepTree,
  state: number,
  label: StepLabel = 'advantage',
  valueAt: ValueOf = (at) => largeValue(tree, at),
): number | null {
  const { small, large } = stateOf(tree, state);
  if (small === null || large === null) return null;
  const value = valueAt(small.to);
  if (label === 'value') return value;
  return small.to === large.to ? 1 : Math.min(1, Math.max(0, 1 + value - valueAt(large.to)));
}

/** @param before the steps of the answer up to the state */
export type KeepsSmall = (state: number, before: readonly (readonly TokenId[])[]) => boolean;

export interface StepPath {
  readonly states: readonly number[];
  /** [state] whether the small model's step was taken there. */
  readonly kept: readonly boolean[];
  /** [state] the step that was taken there. */
  readonly steps: readonly (readonly TokenId[])[];
  readonly value: number;
}

/** The path of a method: at each state it takes the small model's step or the large model's. */
export function walk(tree: StepTree, keepsSmall: KeepsSmall): StepPath {
  const states: number[] = [];
  const kept: boolean[] = [];
  const steps: (readonly TokenId[])[] = [];
  let at = 0;
  for (;;) {
    const { value, small, large } = stateOf(tree, at);
    if (value !== null) return { states, kept, steps, value };
    const isKept = small !== null && keepsSmall(at, steps);
    const { tokens, to } = required(isKept ? small : large, 'an answer goes on');
    states.push(at);
    kept.push(isKept);
    steps.push(tokens);
    at = to;
  }
}

export function stateOf(tree: StepTree, state: number): StepState {
  return required(tree[state], 'a step leads to a state of its tree');
}
