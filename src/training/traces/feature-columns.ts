/** A router's features of the state among those that a reading has: always one run of columns. */
import { invariant } from '../../core/invariant.ts';
import { type StateFeatures, stateFeatureSize } from '../../judging/router-features.ts';

export interface FeatureColumns {
  readonly size: number;
  /** Of a row of a reading's features; a view. */
  of(features: Uint16Array, row: number): Uint16Array;
}

/** Readings have [hidden state, log-probabilities in descending order]. */
export function featureColumns(
  wanted: StateFeatures,
  read: StateFeatures,
  hiddenSize: number,
): FeatureColumns {
  invariant(read.hidden || !wanted.hidden, 'the readings have hidden states');
  invariant(read.topLogprobs >= wanted.topLogprobs, 'the readings have enough log-probabilities');
  const width = stateFeatureSize(read, hiddenSize);
  const from = read.hidden && !wanted.hidden ? hiddenSize : 0;
  const size = stateFeatureSize(wanted, hiddenSize);
  return {
    size,
    of: (features, row) => features.subarray(row * width + from, row * width + from + size),
  };
}
