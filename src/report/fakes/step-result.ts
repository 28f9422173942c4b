/** A made-up evaluation of methods of steps: one reward that the large model reads, one that it does not. */
import type { Comparison, EvaluationResult, PointResult } from '../../evaluation/results.ts';
import { wilson } from '../../evaluation/statistics/wilson.ts';
import { fakeResult } from './evaluation-result.ts';

const THRESHOLDS = [0.8, 0.9, 0.95];

export function fakeStepResult(): EvaluationResult {
  const result = fakeResult();
  const alone = result.results.slice(0, 2);
  const [small] = alone as [PointResult, PointResult];
  const pointOf = (strategy: string, threshold: number, place: number): PointResult => {
    const rejectedShare = 0.1 * (place + 1);
    const written = 0.02 + rejectedShare;
    return {
      ...small,
      ...{ strategy, threshold, unit: 'step', accuracy: small.accuracy + rejectedShare },
      ...{ accuracyHigh: small.accuracyHigh + rejectedShare, largeShare: 0.9 * rejectedShare },
      ...{ stepCount: 4.25, rejectedShare, writtenFlopsRatio: written },
      generatedFlopsRatio: strategy === 'rsd-large-likelihood' ? 1 + written : written,
      controlOf: strategy === 'random-step' ? 'step' : null,
    };
  };
  const strategies = ['rsd-likelihood', 'rsd-large-likelihood', 'random-step'];
  const judging = strategies.slice(0, 2);
  return {
    ...result,
    results: [
      ...alone,
      ...strategies.flatMap((name) => THRESHOLDS.map((at, place) => pointOf(name, at, place))),
    ],
    ...{ summary: {}, summaryByFlops: {}, summaryByTraffic: {}, gates: [] },
    comparisons: [
      compared('rsd-likelihood', 'generatedFlopsRatio', 0.12),
      {
        ...compared('rsd-large-likelihood', 'generatedFlopsRatio', null),
        lacks: [{ strategy: 'rsd-large-likelihood', pointCount: 0, from: 1.03, to: 1.4 }],
      },
    ],
    comparisonsByWrittenFlops: [compared('rsd-large-likelihood', 'writtenFlopsRatio', 0.2)],
    stepAcceptance: judging.flatMap((strategy) =>
      THRESHOLDS.map((threshold, place) => ({
        ...{ strategy, threshold },
        byPosition: ['1', '2', '3', 'last'].map((name, at) =>
          group(name, 100 - 20 * at, 90 - 18 * at - 10 * place),
        ),
        byDifficulty: [2, 3, 4].map((count, at) =>
          group(`${count} operations`, 90, 80 - 10 * at - 10 * place),
        ),
      })),
    ),
  };
}

function compared(strategy: string, axis: Comparison['axis'], value: number | null): Comparison {
  const difference =
    value === null
      ? { value, low: null, high: null }
      : { value, low: value - 0.05, high: value + 0.05 };
  return { ...{ strategy, other: 'random-step', otherIs: 'control', axis, difference }, lacks: [] };
}

function group(name: string, judgedCount: number, accepted: number) {
  const acceptedShare = accepted / judgedCount;
  return { name, judgedCount, acceptedShare, ...wilson(accepted, judgedCount) };
}
