/**
 * A made-up evaluation for tests, the same for the same seed: two gates of which one knows
 * something, their control, a query-level router, U-HLM and speculation, with noise as of `n` questions.
 */
import type {
  Comparison,
  CostAxis,
  CurveSummary,
  Estimate,
  EvaluationResult,
  Example,
  ExampleToken,
  GateBin,
  GateEvidence,
  PointResult,
  Unit,
} from '../../evaluation/results.ts';
import { wilson } from '../../evaluation/statistics/wilson.ts';

type Random = () => number;

/** Mulberry32: uniform in [0, 1). */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SMALL_ACCURACY = 0.405;
const LARGE_ACCURACY = 0.72;
const SMALL_WEIGHT = 0.36;

interface Curve {
  readonly strategy: string;
  readonly unit: Unit;
  readonly axis: CostAxis;
  readonly seeds: readonly number[];
  readonly thresholds: readonly number[];
  /** The large share that a threshold leads to. */
  readonly shareOf: (threshold: number) => number;
  /** Of the gap, at a share. */
  readonly gapAt: (share: number) => number;
}

const CURVES: readonly Curve[] = [
  {
    strategy: 'random',
    unit: 'token',
    axis: 'largeShare',
    seeds: [1, 2, 3],
    thresholds: [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9],
    shareOf: (threshold) => threshold,
    gapAt: (share) => share ** 1.1,
  },
  {
    strategy: 'entropy',
    unit: 'token',
    axis: 'largeShare',
    seeds: [1],
    thresholds: [2, 1.5, 1, 0.7, 0.4, 0.2],
    shareOf: (threshold) => 0.62 * Math.exp(-1.35 * threshold),
    gapAt: (share) => 1 - (1 - share) ** 6,
  },
  {
    strategy: 'margin',
    unit: 'token',
    axis: 'largeShare',
    seeds: [1],
    thresholds: [0.05, 0.1, 0.2, 0.3, 0.5, 0.8],
    shareOf: (threshold) => 0.55 * threshold,
    gapAt: (share) => 1 - (1 - share) ** 4.2,
  },
  {
    strategy: 'u-hlm',
    unit: 'token',
    axis: 'transmittedShare',
    seeds: [1],
    thresholds: [0.02, 0.08, 0.2, 0.5],
    shareOf: (threshold) => 0.5 * (1 - threshold) ** 4,
    gapAt: (share) => 1 - (1 - share) ** 5,
  },
  {
    strategy: 'random-transmission',
    unit: 'token',
    axis: 'transmittedShare',
    seeds: [1, 2, 3],
    thresholds: [0.1, 0.3, 0.6, 0.9],
    shareOf: (threshold) => threshold,
    gapAt: (share) => share,
  },
  {
    strategy: 'router',
    unit: 'query',
    axis: 'largeShare',
    seeds: [1],
    thresholds: [0.2, 0.35, 0.5, 0.65],
    shareOf: (threshold) => 1 - threshold,
    gapAt: (share) => share ** 0.75,
  },
  {
    strategy: 'random-query',
    unit: 'query',
    axis: 'largeShare',
    seeds: [1, 2, 3],
    thresholds: [0.2, 0.4, 0.6, 0.8],
    shareOf: (threshold) => threshold,
    gapAt: (share) => share,
  },
];

export interface FakeResultOptions {
  readonly seed?: number;
  readonly questionCount?: number;
  /** Whether entropy and margin know something; else they lie on the random gate. */
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
    version: 1,
    task: 'gsm8k',
    questionCount,
    isScreened: true,
    models: {
      small: { name: 'qwen2.5-coder-0.5b-instruct', digest: 'a'.repeat(64) },
      large: { name: 'qwen2.5-coder-1.5b-instruct', digest: 'b'.repeat(64) },
    },
    maxTokens: 256,
    gap: gapOf(questionCount),
    results,
    summary: Object.fromEntries(curves.map((curve) => [curve.strategy, summaryOf(curve)])),
    summaryByFlops: Object.fromEntries(
      curves.map((curve) => [
        curve.strategy,
        { ...summaryOf(curve), axis: 'generatedFlopsRatio' as const },
      ]),
    ),
    summaryByTraffic: Object.fromEntries(
      curves.map((curve) => [
        curve.strategy,
        { ...summaryOf(curve), axis: 'weightTrafficRatio' as const },
      ]),
    ),
    comparisonsByTraffic: [],
    comparisons: isGateGood ? GOOD_COMPARISONS : GOOD_COMPARISONS.map(withoutDifference),
    gates: [entropyEvidence(random), marginEvidence(random), coinEvidence(random)],
    examples: EXAMPLES,
  };
}

/** Paired, as if the small model alone were right on 8.5 % of the questions. */
function gapOf(n: number): Estimate {
  const value = (Math.round(LARGE_ACCURACY * n) - Math.round(SMALL_ACCURACY * n)) / n;
  const reach = 1.96 * Math.sqrt((value + 2 * 0.085 - value ** 2) / n);
  return { value, low: value - reach, high: value + reach };
}

function alone(strategy: string, accuracy: number, weight: number, n: number): PointResult {
  const isLarge = strategy !== 'small';
  return point({ strategy, unit: null, threshold: null, seed: 1 }, n, accuracy, {
    largeShare: isLarge ? 1 : 0,
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
      const { strategy, unit } = curve;
      return point({ strategy, unit, threshold, seed }, n, Math.min(0.99, accuracy), {
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
  head: Pick<PointResult, 'strategy' | 'unit' | 'threshold' | 'seed'>,
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
    tokenCount: 131.5,
    verifiedShare: 0,
    transmittedShare: null,
    predictedShare: costs.largeShare,
    largeForwards: Math.round(n * 131.5 * costs.largeShare),
    processedFlopsRatio: costs.generatedFlopsRatio * 1.4,
    timeRatios: {
      'rtx-4090': 0.55 * costs.weightTrafficRatio + 0.45,
      'this machine': 0.05 + 0.95 * costs.weightTrafficRatio,
    },
    gapRecovered: (hits / n - SMALL_ACCURACY) / (LARGE_ACCURACY - SMALL_ACCURACY),
    isOnFront: false,
    ...costs,
  };
}

function withFront(results: readonly PointResult[]): PointResult[] {
  const beats = (a: PointResult, b: PointResult): boolean =>
    a.accuracy >= b.accuracy && a.weightTrafficRatio < b.weightTrafficRatio;
  return results.map((one) => ({
    ...one,
    isOnFront: !results.some((other) => beats(other, one)),
  }));
}

function summaryOf({ axis, gapAt }: Curve): CurveSummary {
  const shares = Array.from({ length: 101 }, (_, step) => step / 100);
  const reach = (gap: number): number | null => shares.find((share) => gapAt(share) >= gap) ?? null;
  const apgr = shares.reduce((sum, share) => sum + gapAt(share), 0) / shares.length;
  return {
    axis,
    apgr,
    apgrLow: apgr - 0.07,
    apgrHigh: apgr + 0.08,
    cpt50: reach(0.5),
    cpt80: reach(0.8),
    cpt95: reach(0.95),
  };
}

const PAIR = { threshold: 1, controlThreshold: 0.2, cost: 0.16, controlCost: 0.2 };

const GOOD_COMPARISONS: readonly Comparison[] = [
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

function withoutDifference(comparison: Comparison): Comparison {
  return { ...comparison, difference: { value: 0.004, low: -0.03, high: 0.038 }, pValue: 0.8 };
}

function bins(
  edges: readonly number[],
  random: Random,
  share: (middle: number) => number,
  count: (middle: number) => number,
): GateBin[] {
  return edges.slice(1).map((to, place) => {
    const from = edges[place] ?? to;
    const middle = (from + to) / 2;
    const all = Math.round(count(middle) * (0.9 + 0.2 * random()));
    const differCount = Math.round(all * share(middle));
    return { from, to, agreeCount: all - differCount, differCount };
  });
}

function steps(from: number, to: number, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, step) => from + ((to - from) * step) / count);
}

function entropyEvidence(random: Random): GateEvidence {
  const found = bins(
    steps(0, 4, 20),
    random,
    (entropy) => Math.min(0.7, 0.008 + 0.17 * entropy),
    (entropy) => 18000 * Math.exp(-1.7 * entropy) + 40,
  );
  return { gate: 'entropy', tokenCount: tokenCount(found), auc: 0.931, bins: found };
}

/** From the margins that are kept, near 1, down to those that are sent first. */
function marginEvidence(random: Random): GateEvidence {
  const found = bins(
    steps(1, 0, 20),
    random,
    (margin) => 0.006 + 0.5 * (1 - margin) ** 2,
    (margin) => 400 + 20000 * margin ** 9,
  );
  return { gate: 'margin', tokenCount: tokenCount(found), auc: 0.918, bins: found };
}

function coinEvidence(random: Random): GateEvidence {
  const found = bins(
    steps(1, 0, 10),
    random,
    () => 0.06 + 0.01 * (random() - 0.5),
    () => 2600,
  );
  return { gate: 'random', tokenCount: tokenCount(found), auc: 0.501, bins: found };
}

function tokenCount(found: readonly GateBin[]): number {
  return found.reduce((sum, { agreeCount, differCount }) => sum + agreeCount + differCount, 0);
}

/** Words of a text as tokens; those in brackets are the large model's, in braces prompt lookup's. */
function tokensOf(text: string): ExampleToken[] {
  return [...text.matchAll(/\[([^\]]*)\]|\{([^}]*)\}|(\s*[^\s[{]+|\s+)/g)].map((match, place) => {
    const [, large, lookup, small = ''] = match;
    if (large !== undefined) return { text: large, origin: 'large', score: 1.7 + place / 100 };
    if (lookup !== undefined) return { text: lookup, origin: 'prompt-lookup', score: null };
    return { text: small, origin: 'small', score: 0.1 + place / 200 };
  });
}

export const HOSTILE =
  "<script>alert(\"1\")</script><img src=x onerror=alert(2)> & 'quoted' `x` $' $` $&";

const EXAMPLES: readonly Example[] = [
  {
    questionId: 'gsm8k-17',
    question:
      'Natalia sold 48 clips in April and half as many in May. How many clips did she sell in all?',
    answer: '72',
    answers: [
      {
        strategy: 'small',
        threshold: null,
        isRight: false,
        extracted: '96',
        tokens: tokensOf('In May she sold 48 clips.\nIn all she sold 48 + 48 = 96 clips.'),
      },
      {
        strategy: 'entropy',
        threshold: 1,
        isRight: true,
        extracted: '72',
        tokens: tokensOf('In May she sold [ half], 48 / 2 = [ 24] clips.\nIn all { 48} + 24 = 72.'),
      },
      {
        strategy: 'random',
        threshold: 0.2,
        isRight: false,
        extracted: null,
        tokens: tokensOf('In[ May] she sold 48 clips, and half[ as] many'),
      },
    ],
  },
  {
    questionId: HOSTILE,
    question: `What does ${HOSTILE} print?`,
    answer: HOSTILE,
    answers: [
      {
        strategy: HOSTILE,
        threshold: null,
        isRight: false,
        extracted: HOSTILE,
        tokens: [
          { text: HOSTILE, origin: 'small', score: 0.5 },
          { text: '</span></pre></body>', origin: 'large', score: null },
        ],
      },
      {
        strategy: 'large',
        threshold: null,
        isRight: true,
        extracted: '1',
        tokens: tokensOf('[It] [ prints] [ 1.]'),
      },
    ],
  },
];
