/** The curves of a made-up evaluation, before noise. */
import type { CostAxis, CurveSummary } from '../../evaluation/results.ts';
import type { Unit } from '../../strategy/method.ts';

/** The path of a strategy from the small model to the large one. */
export interface Curve {
  readonly strategy: string;
  readonly unit: Unit;
  /** Whether it is the random control of its unit. */
  readonly isControl?: boolean;
  readonly axis: CostAxis;
  readonly seeds: readonly number[];
  readonly thresholds: readonly number[];
  /** The large share at a threshold. */
  readonly shareOf: (threshold: number) => number;
  /** The recovered part of the gap at a share. */
  readonly gapAt: (share: number) => number;
}

export const CURVES: readonly Curve[] = [
  {
    strategy: 'random',
    unit: 'token',
    isControl: true,
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
    isControl: true,
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
    isControl: true,
    axis: 'largeShare',
    seeds: [1, 2, 3],
    thresholds: [0.2, 0.4, 0.6, 0.8],
    shareOf: (threshold) => threshold,
    gapAt: (share) => share,
  },
];

export function summaryOf({ axis, gapAt }: Curve): CurveSummary {
  const shares = Array.from({ length: 101 }, (_, step) => step / 100);
  const reach = (gap: number): number | null => shares.find((share) => gapAt(share) >= gap) ?? null;
  const around = (value: number | null, reach: number) =>
    value === null
      ? { value, low: null, high: null }
      : { value, low: Math.max(0, value - reach), high: value + reach };
  const apgr = shares.reduce((sum, share) => sum + gapAt(share), 0) / shares.length;
  return {
    axis,
    apgr: around(apgr, 0.07),
    cpt50: around(reach(0.5), 0.02),
    cpt80: around(reach(0.8), 0.03),
    cpt95: around(reach(0.95), 0.05),
  };
}
