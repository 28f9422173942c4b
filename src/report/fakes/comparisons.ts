/** The comparisons of a made-up evaluation between its strategies and their controls. */
import type { Comparison } from '../../evaluation/results.ts';

const PAIR = { threshold: 1, controlThreshold: 0.2, cost: 0.16, controlCost: 0.2 };

export const GOOD_COMPARISONS: readonly Comparison[] = [
  {
    strategy: 'entropy',
    control: 'random',
    axis: 'largeShare',
    pointCount: 4,
    difference: { value: 0.121, low: 0.078, high: 0.163 },
    pValue: 0.0002,
    pairs: [{ ...PAIR, onlyStrategyCount: 71, onlyControlCount: 22, pValue: 0.0000004 }],
  },
  {
    strategy: 'margin',
    control: 'random',
    axis: 'largeShare',
    pointCount: 4,
    difference: { value: 0.062, low: 0.013, high: 0.109 },
    pValue: 0.012,
    pairs: [{ ...PAIR, onlyStrategyCount: 52, onlyControlCount: 31, pValue: 0.028 }],
  },
  {
    strategy: 'router',
    control: 'random-query',
    axis: 'largeShare',
    pointCount: 3,
    difference: { value: 0.021, low: -0.017, high: 0.06 },
    pValue: 0.29,
    pairs: [{ ...PAIR, onlyStrategyCount: 20, onlyControlCount: 17, pValue: 0.74 }],
  },
  {
    strategy: 'u-hlm',
    control: 'random-transmission',
    axis: 'transmittedShare',
    pointCount: 0,
    difference: { value: null, low: null, high: null },
    pValue: null,
    pairs: [],
  },
];

export function withoutDifference(comparison: Comparison): Comparison {
  return { ...comparison, difference: { value: 0.004, low: -0.03, high: 0.038 }, pValue: 0.8 };
}
