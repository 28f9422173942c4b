/**
 * A made-up evaluation for tests, equal for equal seeds: two gates of which one is informative,
 * their control, a query-level router, U-HLM and speculation, with the noise of `n` questions.
 */
import {
  type Estimate,
  type EvaluationResult,
  type PointResult,
  RESULT_VERSION,
} from '../../evaluation/results.ts';
import { wilson } from '../../evaluation/statistics/wilson.ts';
import { GOOD_COMPARISONS, withoutDifference } from './comparisons.ts';
import { CURVES, type Curve, summaryOf } from './curves.ts';
import { EXAMPLES } from './examples.ts';
import { gateEvidence } from './gate-evidence.ts';
import { type Random, randomFrom } from './random-from.ts';

const SMALL_ACCURACY = 0.405;
const LARGE_ACCURACY = 0.72;
const SMALL_WEIGHT = 0.36;

export interface FakeResultOptions {
  readonly seed?: number;
  readonly questionCount?: number;
  /** Whether entropy and margin are informative; otherwise they lie on the random gate. */
  readonly isGateGood?: boolean;
}

export function fakeResult(options: FakeResultOptions = {}): EvaluationResult {
  const { seed = 7, questionCount = 400, isGateGood = true } = options;
  const random = randomFrom(seed);
  const curves = CURVES.map((curve) =>
    isGateGood || curve.unit === 'query' ? curve : { ...curve, gapAt: (share: number) => share },
  );
  const results = withFront([
    alone('small', SMALL_ACCURACY, SMALL_WEIGHT, questionCount),
    alone('large', LARGE_ACCURACY, 1, questionCount),
    { ...alone('speculative', LARGE_ACCURACY, 0.74, questionCount), verifiedShare: 0.7 },
    ...curves.flatMap((curve) => curveResults(curve, questionCount, random)),
  ]);
  return {
    version: RESULT_VERSION,
    task: 'gsm8k',
    questionCount,
    isScreened: true,
    models: {
      small: { name: 'qwen2.5-coder-0.5b-instruct', digest: 'a'.repeat(64) },
      large: { name: 'qwen2.5-coder-1.5b-instruct', digest: 'b'.repeat(64) },
    },
    maxTokens: 256,
    temperature: 0,
    options: {},
    gap: gapOf(questionCount),
    results,
    summary: Object.fromEntries(curves.map((curve) => [curve.strategy, summaryOf(curve)])),
    summaryByFlops: Object.fromEntries(
      curves.map((curve) => [
        curve.strategy,
        { ...summaryOf(curve), axis: 'generatedFlopsRatio' as const },
      ]),
    ),
    summaryByWrittenFlops: {},
    summaryByTraffic: Object.fromEntries(
      curves.map((curve) => [
        curve.strategy,
        { ...summaryOf(curve), axis: 'weightTrafficRatio' as const },
      ]),
    ),
    interval: { low: 0.025, high: 0.4 },
    comparisonsByWrittenFlops: [],
    comparisonsByTraffic: [],
    comparisons: isGateGood ? GOOD_COMPARISONS : GOOD_COMPARISONS.map(withoutDifference),
    gates: gateEvidence(random),
    stepAcceptance: [],
    examples: EXAMPLES,
  };
}

/** The paired gap, as if the small model alone were right on 8.5 % of the questions. */
function gapOf(n: number): Estimate {
  const value = (Math.round(LARGE_ACCURACY * n) - Math.round(SMALL_ACCURACY * n)) / n;
  const reach = 1.96 * Math.sqrt((value + 2 * 0.085 - value ** 2) / n);
  return { value, low: value - reach, high: value + reach };
}

function alone(strategy: string, accuracy: number, weight: number, n: number): PointResult {
  const isLarge = strategy !== 'small';
  return point({ strategy, unit: null, controlOf: null, threshold: null, seed: 1 }, n, accuracy, {
    largeShare: isLarge ? 1 : 0,
    writtenFlopsRatio: strategy === 'speculative' ? 0.52 : isLarge ? 1 : 0.32,
    generatedFlopsRatio: strategy === 'speculative' ? 1.31 : isLarge ? 1 : 0.32,
    weightTrafficRatio: weight,
  });
}

function curveResults(curve: Curve, n: number, random: Random): PointResult[] {
  return curve.seeds.flatMap((seed) =>
    curve.thresholds.map((threshold) => {
      const share = curve.shareOf(threshold);
      const noise = (random() - 0.5) * 0.035;
      const gap = LARGE_ACCURACY - SMALL_ACCURACY;
      const accuracy = SMALL_ACCURACY + gap * curve.gapAt(share) + noise;
      const isQuery = curve.unit === 'query';
      const isTransmitted = curve.axis === 'transmittedShare';
      const { strategy, unit, isControl = false } = curve;
      const controlOf = isControl ? unit : null;
      return point({ strategy, unit, controlOf, threshold, seed }, n, Math.min(0.99, accuracy), {
        largeShare: isTransmitted ? 0.08 * share : share,
        ...(isTransmitted ? { transmittedShare: share } : {}),
        generatedFlopsRatio: isQuery ? 0.32 * (1 - share) + share : 0.32 + 0.68 * share,
        weightTrafficRatio: isQuery
          ? SMALL_WEIGHT * (1 - share) + share
          : SMALL_WEIGHT + 0.8 * share,
      });
    }),
  );
}

function point(
  head: Pick<PointResult, 'strategy' | 'unit' | 'controlOf' | 'threshold' | 'seed'>,
  n: number,
  accuracy: number,
  costs: Pick<PointResult, 'largeShare' | 'generatedFlopsRatio' | 'weightTrafficRatio'> &
    Partial<PointResult>,
): PointResult {
  const hits = Math.round(accuracy * n);
  const { low, high } = wilson(hits, n);
  return {
    ...head,
    n,
    answeredCount: Math.round(n * 0.4),
    accuracy: hits / n,
    accuracyLow: low,
    accuracyHigh: high,
    overLarge: overLarge(hits / n),
    tokenCount: 131.5,
    verifiedShare: 0,
    stepCount: null,
    rejectedShare: null,
    writtenFlopsRatio: costs.generatedFlopsRatio,
    transmittedShare: null,
    predictedShare: costs.largeShare,
    largeForwards: Math.round(n * 131.5 * costs.largeShare),
    processedFlopsRatio: costs.generatedFlopsRatio * 1.4,
    bill: null,
    timeRatios: {
      'rtx-4090': 0.55 * costs.weightTrafficRatio + 0.45,
      'this machine': 0.05 + 0.95 * costs.weightTrafficRatio,
    },
    gapRecovered: (hits / n - SMALL_ACCURACY) / (LARGE_ACCURACY - SMALL_ACCURACY),
    isOnFront: false,
    ...costs,
  };
}

function overLarge(accuracy: number): Estimate {
  const value = accuracy - LARGE_ACCURACY;
  return { value, low: value - 0.04, high: value + 0.04 };
}

function withFront(results: readonly PointResult[]): PointResult[] {
  const beats = (a: PointResult, b: PointResult): boolean =>
    a.accuracy >= b.accuracy && a.weightTrafficRatio < b.weightTrafficRatio;
  return results.map((one) => ({
    ...one,
    isOnFront: !results.some((other) => beats(other, one)),
  }));
}
