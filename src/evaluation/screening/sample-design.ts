/**
 * The answered questions and their weights. Questions fall into strata. In stratum h, `n_h` of
 * `N_h` questions were answered: all, or a random sample. A mean over all N questions is estimated
 * with the weight N_h / n_h for each answered one, here divided by N so that the weights sum to 1.
 */
import { invariant, required } from '../../core/invariant.ts';

export interface SampleDesign {
  /** N: all questions, answered or not. */
  readonly questionCount: number;
  /** The stratum of each answered question, in the order of all outcomes. */
  readonly strata: readonly number[];
  /** N_h and n_h of each stratum. */
  readonly stratumSizes: readonly number[];
  readonly sampleSizes: readonly number[];
  /** N_h / (n_h N) of each answered question. */
  readonly weights: Float64Array;
}

/**
 * @param strata stratum of each answered question
 * @param stratumSizes N_h, by stratum
 * @throws InvariantError if a stratum has questions but no answered one, or more answered ones than
 *   questions
 */
export function sampleDesign(
  strata: ArrayLike<number>,
  stratumSizes: readonly number[],
): SampleDesign {
  const sampleSizes = stratumSizes.map(() => 0);
  for (const stratum of Array.from(strata)) {
    sampleSizes[stratum] = required(sampleSizes[stratum], `no stratum ${stratum}`) + 1;
  }
  const questionCount = stratumSizes.reduce((sum, size) => sum + size, 0);
  invariant(questionCount > 0, 'there are no questions');
  for (const [stratum, size] of stratumSizes.entries()) {
    const answered = sampleSizes[stratum] ?? 0;
    const isPossible = answered <= size && (answered > 0 || size === 0);
    invariant(isPossible, `${answered} of ${size} questions of stratum ${stratum} were answered`);
  }
  const each = stratumSizes.map((size, stratum) => size / (sampleSizes[stratum] ?? 1));
  const weights = Float64Array.from(strata, (stratum) => (each[stratum] ?? 0) / questionCount);
  return { questionCount, strata: Array.from(strata), stratumSizes, sampleSizes, weights };
}

/** The design in which every question was answered. */
export function fullDesign(questionCount: number): SampleDesign {
  return sampleDesign(new Uint8Array(questionCount), [questionCount]);
}

/** Σ weight · value: the mean over all questions if the weights sum to 1. */
export function weightedSum(weights: ArrayLike<number>, values: ArrayLike<number>): number {
  invariant(weights.length === values.length, `${values.length} values, ${weights.length} weights`);
  let sum = 0;
  for (let index = 0; index < weights.length; index += 1) {
    sum += (weights[index] as number) * (values[index] as number);
  }
  return sum;
}
