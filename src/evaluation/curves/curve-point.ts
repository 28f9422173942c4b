/** The answers of one strategy at one threshold, question by question, and their weighted means. */
import { invariant } from '../../core/invariant.ts';

/** All arrays hold one entry per answered question, in the order of the sample design. */
export interface CurvePoint {
  readonly threshold: number | null;
  /** The chance of a right answer: 0 or 1, or the mean over runs with several seeds. */
  readonly isRight: Float64Array;
  /**
   * The cost of a set of questions is Σ numerator / Σ denominator, such as large tokens per token.
   */
  readonly costNumerator: Float64Array;
  readonly costDenominator: Float64Array;
}

/** The two models alone: the ends of every curve. */
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

/** A point from one run, or from runs with several seeds: their means, question by question. */
export function curvePoint(threshold: number | null, runs: readonly CurveRun[]): CurvePoint {
  const [first] = runs;
  invariant(first !== undefined, 'a point has no run');
  return {
    threshold,
    isRight: meanOfArrays(runs.map((run) => run.isRight)),
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

/** The position of a point, given weights of questions that sum to 1. */
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
  // This loop runs for every point in every replicate.
  for (let index = 0; index < weights.length; index += 1) {
    const weight = weights[index] as number;
    accuracy += weight * (isRight[index] as number);
    numerator += weight * (costNumerator[index] as number);
    denominator += weight * (costDenominator[index] as number);
  }
  return { cost: denominator === 0 ? 0 : numerator / denominator, accuracy };
}
