/** Finds a router's features of the state among those of a trace: always one run of columns. */
import { invariant } from '../../core/invariant.ts';
import { type StateFeatures, stateFeatureSize } from '../../judging/router-features.ts';

export interface FeatureColumns {
  readonly size: number;
  /** Returns a view of the router's features in a row of a trace's features. */
  of(features: Uint16Array, row: number): Uint16Array;
}

/** A trace has [hidden state, log-probabilities in descending order]. */
export function featureColumns(
  wanted: StateFeatures,
  read: StateFeatures,
  hiddenSize: number,
): FeatureColumns {
  invariant(read.hidden || !wanted.hidden, 'the traces have hidden states');
  invariant(read.topLogprobs >= wanted.topLogprobs, 'the traces have enough log-probabilities');
  const width = stateFeatureSize(read, hiddenSize);
  const from = read.hidden && !wanted.hidden ? hiddenSize : 0;
  const size = stateFeatureSize(wanted, hiddenSize);
  return {
    size,
    of: (features, row) => features.subarray(row * width + from, row * width + from + size),
  };
}
