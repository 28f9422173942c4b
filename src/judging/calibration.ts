/** The measured relation between thresholds and the share of tokens of the large model. Pure. */
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';

export interface CalibrationPoint {
  readonly threshold: number;
  /** The share of tokens that the large model writes. */
  readonly share: number;
  /**
   * The share of tokens, along the large model's own answers, that come out as the large model would
   * have written them.
   */
  readonly agreement: number;
  /** The recovered part of the gap between both models' accuracies; null if answers were not graded. */
  readonly gapRecovered: number | null;
}

export interface Calibration {
  /** The questions that it was measured on, in words. */
  readonly on: string;
  /** By ascending threshold; the shares ascend too. */
  readonly points: readonly CalibrationPoint[];
}

/**
 * The thresholds at which no token and every token goes to the large model. Scores are probabilities.
 */
export const NEVER = 0;
export const ALWAYS = 2;

/**
 * The threshold for a share, interpolated between the two nearest measured ones.
 * @param share from 0 to 1
 */
export function thresholdForTokenShare({ points }: Calibration, share: number): number {
  if (share <= 0) return NEVER;
  if (share >= 1) return ALWAYS;
  const ends = [{ threshold: NEVER, share: 0 }, ...points, { threshold: 1, share: 1 }];
  const above = ends.findIndex((point) => point.share >= share);
  const [low, high] = [
    required(ends[above - 1], 'a point below'),
    required(ends[above], 'a point'),
  ];
  if (share === high.share) return high.threshold;
  const part = (share - low.share) / (high.share - low.share);
  const between = low.threshold + part * (high.threshold - low.threshold);
  // Answers and logs show the threshold, and people do not read sixteen digits.
  const rounded = Number(between.toPrecision(SHOWN_DIGITS));
  return Math.min(high.threshold, Math.max(low.threshold, rounded));
}

/** Digits of an interpolated threshold. */
const SHOWN_DIGITS = 6;

/** The qualities by which a threshold may be requested. */
export type Quality = 'gapRecovered' | 'agreement';

/**
 * The cheapest measured threshold that reaches a quality.
 * @throws PilotfishError `threshold-invalid` if none does
 */
export function thresholdForQuality(
  { points, on }: Calibration,
  kind: Quality,
  quality: number,
): number {
  const reached = points.find((point) => (point[kind] ?? Number.NEGATIVE_INFINITY) >= quality);
  if (reached !== undefined) return reached.threshold;
  const isGap = kind === 'gapRecovered';
  const hasGap = !isGap || points.some(({ gapRecovered }) => gapRecovered !== null);
  throw new PilotfishError(
    'threshold-invalid',
    hasGap
      ? `No threshold reaches a quality of ${quality} on ${on}.`
      : `The large model is not better on ${on}: there is no gap to recover.`,
    {
      remedy: 'Ask for less or for a share, train a better router, or take other questions.',
      fields: { quality },
    },
  );
}
