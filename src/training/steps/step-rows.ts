/** Turns trees and their readings into the rows that a token head trains on. Pure. */
import { required } from '../../core/invariant.ts';
import {
  columnsAmong,
  type HiddenSizes,
  type RewardFeatures,
  rewardFeatureSize,
} from '../../judging/reward-features.ts';
import type { Dataset } from '../../network/dataset.ts';
import type { ReadFeatures, StepReadings } from './read-steps.ts';
import { bestValue, type StepTree, stateOf } from './step-tree.ts';

export interface StepExample {
  readonly tree: StepTree;
  readonly readings: StepReadings;
  /** [state] the label of its small step; null: it has none. */
  readonly labels: readonly (number | null)[];
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
  read: ReadFeatures,
  sizes: HiddenSizes,
): StepRows {
  const from = columnsAmong(wanted, read, sizes);
  const readSize = rewardFeatureSize(read, sizes);
  const known = examples.flatMap(({ tree, readings, labels }, question) =>
    tree.flatMap((_, state) => {
      const [all = null, target = null] = [readings[state], labels[state]];
      if (all === null || target === null) return [];
      const halves = wanted.tokens === 'all' ? all : all.subarray(-readSize);
      return [{ tree, question, state, halves, target }];
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
