/** Turns trees and their readings into the rows that a token head trains on. Pure. */
import { required } from '../../core/invariant.ts';
import { type RewardFeatures, rewardFeatureSize } from '../../judging/reward-features.ts';
import type { Dataset } from '../../network/dataset.ts';
import { READ_REWARD_FEATURES, type StepReadings } from './read-steps.ts';
import { advantage, bestValue, type StepTree, stateOf } from './step-tree.ts';

export interface StepExample {
  readonly tree: StepTree;
  readonly readings: StepReadings;
}

export interface StepRows {
  /** A row for each scored token; its groups are questions. */
  readonly dataset: Dataset;
  /** [row count] the step of each row. */
  readonly steps: Int32Array;
  /** [step count] 1: the step is good. */
  readonly targets: Float32Array;
  /** [step count] whether any mixture still ends right: elsewhere a judgement changes nothing. */
  readonly solvable: Uint8Array;
  /** [step count] whether the models' steps differ. */
  readonly differs: Uint8Array;
  /** [step count] the question and the state of each step. */
  readonly places: readonly (readonly [question: number, state: number])[];
}

export function stepRows(
  examples: readonly StepExample[],
  wanted: RewardFeatures,
  hiddenSize: number,
): StepRows {
  const from = columnsOf(wanted, hiddenSize);
  const readSize = rewardFeatureSize(READ_REWARD_FEATURES, hiddenSize);
  const known = examples.flatMap(({ tree, readings }, question) =>
    tree.flatMap((_, state) => {
      const halves = readings[state] ?? null;
      const target = advantage(tree, state);
      return halves === null || target === null ? [] : [{ tree, question, state, halves, target }];
    }),
  );
  const rowCount = known.reduce((sum, { halves }) => sum + halves.length / readSize, 0);
  const features = new Uint16Array(rowCount * from.length);
  const [groups, steps] = [new Int32Array(rowCount), new Int32Array(rowCount)];
  let row = 0;
  for (const [step, { question, halves }] of known.entries()) {
    for (let at = 0; at < halves.length; at += readSize) {
      groups[row] = question;
      steps[row] = step;
      for (const [column, source] of from.entries()) {
        features[row * from.length + column] = required(halves[at + source], 'a feature');
      }
      row += 1;
    }
  }
  return {
    dataset: { rowCount, inputSize: from.length, features, groups },
    steps,
    targets: Float32Array.from(known, ({ target }) => target),
    solvable: Uint8Array.from(known, ({ tree, state }) => bestValue(tree, state)),
    differs: Uint8Array.from(known, ({ tree, state }) => {
      const { small, large } = stateOf(tree, state);
      return Number(small?.to !== large?.to);
    }),
    places: known.map(({ question, state }) => [question, state]),
  };
}

/** The columns of the wanted features among those that are read. */
function columnsOf(
  { hidden, largeLogprob }: RewardFeatures,
  hiddenSize: number,
): readonly number[] {
  const all = Array.from(
    { length: rewardFeatureSize(READ_REWARD_FEATURES, hiddenSize) },
    (_, column) => column,
  );
  return all.filter(
    (column) => (hidden || column >= hiddenSize) && (largeLogprob || column < all.length - 1),
  );
}
