/** Selects the points of an accuracy picture, with their costs: pure selection, no drawing. */
import type { CostAxis, EvaluationResult } from '../../evaluation/results.ts';
import type { Unit } from '../../strategy/method.ts';
import {
  type CurvePoint,
  controlsOf,
  curvePoints,
  isModelAlone,
  LARGE_ALONE,
  pointName,
  SMALL_ALONE,
  shareAxisOf,
} from '../curves.ts';

/** The horizontal axis of a picture. */
export interface CostScale {
  /** The title of the axis, with its unit. */
  readonly title: string;
  /** The name of the axis within a sentence. */
  readonly words: string;
  readonly isShare: boolean;
  /** Null for points without this cost. */
  readonly costOf: (point: CurvePoint) => number | null;
}

/** A point at its place. The plotting library asks for the index signature. */
export interface DrawnPoint {
  readonly [field: string]: unknown;
  readonly name: string;
  readonly strategy: string;
  readonly cost: number;
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
  readonly isControl: boolean;
  readonly isOnFront: boolean;
}

export interface AccuracyData {
  readonly scale: CostScale;
  /** Methods and controls, without the models alone. */
  readonly points: readonly DrawnPoint[];
  /** The models alone, the small one first. */
  readonly alone: readonly DrawnPoint[];
}

const SHARE_SCALES: Readonly<Record<'largeShare' | 'transmittedShare', CostScale>> = {
  largeShare: {
    title: 'Large share: tokens that the large model wrote ÷ all tokens',
    words: 'large share',
    isShare: true,
    costOf: (point) => point.largeShare,
  },
  transmittedShare: {
    title: 'Transmitted share: tokens sent to the large model ÷ all tokens',
    words: 'transmitted share',
    isShare: true,
    costOf: ({ transmittedShare, strategy }) => {
      if (isModelAlone(strategy)) return strategy === SMALL_ALONE ? 0 : 1;
      return transmittedShare;
    },
  },
};

export const WRITTEN_FLOPS: CostScale = {
  title: 'Written FLOPs ÷ those of the large model alone',
  words: 'written FLOPs',
  isShare: false,
  costOf: (point) => point.writtenFlopsRatio,
};

export const FLOPS: CostScale = {
  title: 'Generated FLOPs ÷ those of the large model alone',
  words: 'generated FLOPs',
  isShare: false,
  costOf: (point) => point.generatedFlopsRatio,
};

export const WEIGHT_TRAFFIC: CostScale = {
  title: 'Weight traffic ÷ that of the large model alone',
  words: 'weight traffic',
  isShare: false,
  costOf: (point) => point.weightTrafficRatio,
};

export function predictedTime(profile: string): CostScale {
  return {
    title: `Predicted time on ${profile} ÷ that of the large model alone`,
    words: `predicted time on ${profile}`,
    isShare: false,
    costOf: ({ timeRatios, strategy }) => {
      // The large model's ratio to itself is 1, with or without a prediction.
      return timeRatios[profile] ?? (strategy === LARGE_ALONE ? 1 : null);
    },
  };
}

/** All strategies of any unit, for costs on which units compare. */
export function accuracyData(result: EvaluationResult, scale: CostScale): AccuracyData {
  return place(result, curvePoints(result.results), scale);
}

/** Strategies of one unit against the share of their unit. */
export function shareData(
  result: EvaluationResult,
  unit: Unit,
  axis: 'largeShare' | 'transmittedShare',
): AccuracyData {
  const points = curvePoints(result.results).filter(
    ({ strategy, unit: own }) =>
      isModelAlone(strategy) || (own === unit && shareAxis(result, strategy) === axis),
  );
  return place(result, points, SHARE_SCALES[axis]);
}

/** A summary against another kind of cost does not name the share: it is the large share then. */
function shareAxis(result: EvaluationResult, strategy: string): CostAxis {
  const axis = shareAxisOf(result, strategy);
  return axis === 'transmittedShare' ? axis : 'largeShare';
}

function place(
  result: EvaluationResult,
  points: readonly CurvePoint[],
  scale: CostScale,
): AccuracyData {
  const controls = controlsOf(result);
  const drawn = points.flatMap((point): DrawnPoint[] => {
    const cost = scale.costOf(point);
    if (cost === null) return [];
    const { strategy, accuracy, low, high, isOnFront } = point;
    const isControl = controls.has(strategy);
    const name = pointName(point);
    return [{ name, strategy, cost, accuracy, low, high, isControl, isOnFront }];
  });
  return {
    scale,
    points: drawn.filter(({ strategy }) => !isModelAlone(strategy)),
    alone: [SMALL_ALONE, LARGE_ALONE].flatMap(
      (model) => drawn.find(({ strategy }) => strategy === model) ?? [],
    ),
  };
}
