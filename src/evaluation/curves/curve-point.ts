/** What one strategy did at one threshold, question by question, and what weights make of it. */
import { invariant } from '../../core/invariant.ts';

/** All arrays run over the answered questions, in the order of the sample design. */
export interface CurvePoint {
  readonly threshold: number | null;
  /** Chance of a right answer: 0 or 1, or a mean over the runs of several seeds. */
  readonly isRight: Float64Array;
  /** Of the first run alone, 0 or 1: for tests that count questions. */
  readonly isRightFirst: Uint8Array;
  /** The cost of many questions is Σ numerator / Σ denominator, as of large tokens and tokens. */
  readonly costNumerator: Float64Array;
  readonly costDenominator: Float64Array;
}

/** Both models alone: the ends of every curve. */
export interface Anchors {
  readonly small: CurvePoint;
  readonly large: CurvePoint;
}

/** One run of a strategy over the answered questions. */
export interface CurveRun {
  readonly isRight: ArrayLike<boolean | number>;
  readonly costNumerator: ArrayLike<number>;
  readonly costDenominator: ArrayLike<number>;
}

/** A point from one run, or from runs with several seeds: means over them, question by question. */
export function curvePoint(threshold: number | null, runs: readonly CurveRun[]): CurvePoint {
  const [first] = runs;
  invariant(first !== undefined, 'a point has no run');
  return {
    threshold,
    isRight: meanOfArrays(runs.map((run) => run.isRight)),
    isRightFirst: Uint8Array.from(first.isRight, Number),
    costNumerator: meanOfArrays(runs.map((run) => run.costNumerator)),
    costDenominator: meanOfArrays(runs.map((run) => run.costDenominator)),
  };
}

function meanOfArrays(arrays: readonly ArrayLike<boolean | number>[]): Float64Array {
  const mean = new Float64Array(arrays[0]?.length ?? 0);
  for (const array of arrays) {
    invariant(array.length === mean.length, 'runs do not answer the same questions');
    for (let index = 0; index < mean.length; index += 1) {
      mean[index] = (mean[index] as number) + Number(array[index]) / arrays.length;
    }
  }
  return mean;
}

/** Where a point lies, given weights of questions that sum to 1. */
export interface Place {
  /** 0 where nothing was counted. */
  readonly cost: number;
  readonly accuracy: number;
}

export function placeOf(point: CurvePoint, weights: Float64Array): Place {
  const { isRight, costNumerator, costDenominator } = point;
  invariant(isRight.length === weights.length, 'a point does not answer the sampled questions');
  let accuracy = 0;
  let numerator = 0;
  let denominator = 0;
  // Run for every point in every replicate.
  for (let index = 0; index < weights.length; index += 1) {
    const weight = weights[index] as number;
    accuracy += weight * (isRight[index] as number);
    numerator += weight * (costNumerator[index] as number);
    denominator += weight * (costDenominator[index] as number);
  }
  return { cost: denominator === 0 ? 0 : numerator / denominator, accuracy };
}
