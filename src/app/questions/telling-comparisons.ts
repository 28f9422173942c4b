/** The comparisons of an evaluation that a summary shows. */
import type { Comparison, EvaluationResult } from '../../evaluation/results.ts';
import { controlsOf } from '../../report/curves.ts';

/**
 * Every strategy against its control, and the best strategy against all others, at equal share and at
 * equal weight traffic. The result holds the other comparisons, which would make a long list.
 */
export function tellingComparisons(result: EvaluationResult): readonly Comparison[] {
  const { summary, comparisons: all, comparisonsByTraffic } = result;
  const apgr = (name: string): number => summary[name]?.apgr ?? Number.NEGATIVE_INFINITY;
  const names = [...new Set(all.map(({ strategy }) => strategy))];
  const best = names.reduce<string | undefined>(
    (one, name) => (one === undefined || apgr(name) > apgr(one) ? name : one),
    undefined,
  );
  const controls = controlsOf(result);
  const isChance = ({ control }: Comparison): boolean => controls.has(control);
  const isBest = ({ strategy }: Comparison): boolean => strategy === best;
  return [
    ...all.filter((one) => isBest(one) || isChance(one)),
    ...comparisonsByTraffic.filter(isBest),
  ];
}
