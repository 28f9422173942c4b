/**
 * The accuracy of the large model alone minus that of the small one. Both answer the same
 * questions, so the difference is estimated question by question: the gap may be certain even where
 * the intervals of the two accuracies overlap.
 */
import type { Estimate } from '../results.ts';
import { estimateDifference } from '../screening/estimate-mean.ts';
import { fullDesign } from '../screening/sample-design.ts';
import type { AnswerRun } from './point-runs.ts';

/** @param large and `small`: the runs of all questions, in the same order; at least one */
export function modelsGap(
  small: readonly Pick<AnswerRun, 'grade'>[],
  large: readonly Pick<AnswerRun, 'grade'>[],
): Estimate {
  const isRight = (runs: readonly Pick<AnswerRun, 'grade'>[]): number[] =>
    runs.map(({ grade }) => Number(grade.isRight));
  return estimateDifference(fullDesign(small.length), isRight(large), isRight(small));
}
