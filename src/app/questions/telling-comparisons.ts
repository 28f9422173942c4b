/** The comparisons of an evaluation that a summary shows. */
import type { Comparison, EvaluationResult } from '../../evaluation/results.ts';

/**
 * Every strategy against the random controls, and every trained one against the untrained rules of its
 * unit. No outcome selects them. The result holds the other pairs, which would make a long list.
 */
export function tellingComparisons(result: EvaluationResult): readonly Comparison[] {
  const { comparisons, comparisonsByWrittenFlops } = result;
  return [...comparisons, ...comparisonsByWrittenFlops].filter(
    ({ otherIs }) => otherIs !== 'method',
  );
}
