/** The comparisons of a made-up evaluation: with controls, with a rule, and of other pairs. */
import type { Comparison } from '../../evaluation/results.ts';

const SHARED = { axis: 'largeShare', lacks: [] } as const;

export const GOOD_COMPARISONS: readonly Comparison[] = [
  {
    ...SHARED,
    ...{ strategy: 'entropy', other: 'random', otherIs: 'control' },
    difference: { value: 0.121, low: 0.078, high: 0.163 },
  },
  {
    ...SHARED,
    ...{ strategy: 'margin', other: 'random', otherIs: 'control' },
    difference: { value: 0.062, low: 0.013, high: 0.109 },
  },
  {
    ...SHARED,
    ...{ strategy: 'router', other: 'random-query', otherIs: 'control' },
    difference: { value: 0.021, low: -0.017, high: 0.06 },
  },
  {
    ...{ strategy: 'u-hlm', other: 'random-transmission', otherIs: 'control' },
    axis: 'transmittedShare',
    difference: { value: null, low: null, high: null },
    lacks: [{ strategy: 'u-hlm', pointCount: 4, from: 0.06, to: 0.5 }],
  },
];

export function withoutDifference(comparison: Comparison): Comparison {
  const difference = { value: 0.004, low: -0.03, high: 0.038 };
  return { ...comparison, difference, lacks: [] };
}
