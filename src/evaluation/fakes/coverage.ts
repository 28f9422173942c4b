/** How often 95 % intervals hold the truth, over simulated worlds. */
import { required } from '../../core/invariant.ts';
import { compareCurves } from '../curves/compare-curves.ts';
import type { Place } from '../curves/curve-point.ts';
import { apgr } from '../curves/gap-recovered.ts';
import { contributions, intervalMean } from '../curves/interval-mean.ts';
import { type Curve, summariseCurve } from '../curves/summarise-curve.ts';
import { estimateDifference, estimateShare } from '../screening/estimate-mean.ts';
import { weightedSum } from '../screening/sample-design.ts';
import { bootstrap, drawReplicates, meanOf, type Replicates } from '../statistics/bootstrap.ts';
import type { Interval } from '../statistics/interval.ts';
import { drawWorld, TRUTH, type World } from './question-world.ts';

export interface Study {
  readonly worldCount: number;
  readonly questionCount: number;
  /** Null: every question is answered. */
  readonly concordantShare: number | null;
  readonly replicateCount: number;
}

export type Measured = 'share' | 'difference' | 'bootstrapDifference' | 'apgr' | 'comparison';

interface Judged extends Interval {
  readonly truth: number;
}

/** A point at a middling cost. */
const POINT = 4;
const TRUE_SHARE = TRUTH.strategy[POINT]?.accuracy ?? 0;
const TRUE_DIFFERENCE = TRUE_SHARE - (TRUTH.coin[POINT]?.accuracy ?? 0);
const INTERVAL = { low: 0.06, high: 0.6 };
const NO_INTERVAL: Interval = { low: Number.NaN, high: Number.NaN };

function judge(measured: Measured, world: World, replicates: () => Replicates): Judged {
  const { design } = world;
  const strategyCurve = () => {
    return { axis: 'largeShare' as const, points: world.strategy(), anchors: world.anchors() };
  };
  switch (measured) {
    case 'share':
      return { ...estimateShare(design, world.strategyPoint(POINT).isRight), truth: TRUE_SHARE };
    case 'difference': {
      const own = world.strategyPoint(POINT).isRight;
      const interval = estimateDifference(design, own, world.coinPoint(POINT).isRight);
      return { ...interval, truth: TRUE_DIFFERENCE };
    }
    case 'bootstrapDifference': {
      const other = world.coinPoint(POINT).isRight;
      const differences = world
        .strategyPoint(POINT)
        .isRight.map((value, index) => value - (other[index] ?? 0));
      const interval = bootstrap(replicates(), meanOf(differences)) ?? NO_INTERVAL;
      return { ...interval, truth: TRUE_DIFFERENCE };
    }
    case 'apgr': {
      const { low, high } = summariseCurve(strategyCurve(), replicates()).apgr;
      const truth = apgr(TRUTH.strategy, TRUTH.anchors) ?? Number.NaN;
      return { low: low ?? Number.NaN, high: high ?? Number.NaN, truth };
    }
    case 'comparison': {
      const drawn = replicates();
      const strategy = strategyCurve();
      const coin = { ...strategy, points: world.coin() };
      const meanOver = (curve: Curve) =>
        required(intervalMean(curve, INTERVAL, drawn), 'the large model costs more');
      const { low, high } = compareCurves(meanOver(strategy), meanOver(coin), design);
      return { low: low ?? Number.NaN, high: high ?? Number.NaN, truth: TRUE_COMPARISON };
    }
  }
}

const TRUE_COMPARISON = trueMean(TRUTH.strategy) - trueMean(TRUTH.coin);

function trueMean(points: readonly Place[]): number {
  const places = [TRUTH.anchors.small, ...points, TRUTH.anchors.large];
  return weightedSum(
    contributions(places, INTERVAL),
    places.map(({ accuracy }) => accuracy),
  );
}

/** The share of worlds in which the interval holds the truth, and its mean width. */
export function coverage(
  { worldCount, questionCount, concordantShare, replicateCount }: Study,
  measured: Measured,
): { readonly share: number; readonly width: number } {
  let hits = 0;
  let width = 0;
  for (let seed = 1; seed <= worldCount; seed += 1) {
    const world = drawWorld(seed, questionCount, { concordantShare });
    const replicates = () => drawReplicates(world.design, { seed: -seed, count: replicateCount });
    const { low, high, truth } = judge(measured, world, replicates);
    if (low <= truth && truth <= high) hits += 1;
    width += (high - low) / worldCount;
  }
  return { share: hits / worldCount, width };
}
