/**
 * The relation between a head's thresholds and the share of the large model, of tokens for a router and of
 * steps for a reward, as it was found on some questions: along the large model's own answers, and in real
 * runs or replays. Pure.
 */
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import type { Unit } from '../core/unit.ts';
import { ScoreDistribution, type ShareCut } from './score-distribution.ts';

/** A threshold at which the router really ran. */
export interface CalibrationPoint {
  readonly threshold: number;
  /** The share of tokens, along the large model's own answers, that score below the threshold. */
  readonly predictedShare: number;
  /** The share of tokens that the large model wrote. */
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
  /** The questions that it was measured on, in words. Shares hold for questions like these. */
  readonly on: string;
  /**
   * Where scores lie along the large model's own answers: thresholds with the share of tokens that
   * score below them. Both ascend. Empty: an earlier version wrote the file, and kept no scores.
   */
  readonly cuts: readonly ShareCut[];
  /** By ascending threshold; the shares never fall. Empty: the router did not run. */
  readonly points: readonly CalibrationPoint[];
}

/**
 * The thresholds at which no token and every token goes to the large model. Scores are probabilities.
 */
export const NEVER = 0;
export const ALWAYS = 2;

/** Shares that cuts are kept for, more closely where routers work. */
const CUT_SHARES: readonly number[] = [
  ...Array.from({ length: 100 }, (_, at) => (at + 1) / 2000),
  ...Array.from({ length: 379 }, (_, at) => 0.05 + (at + 1) / 400),
];

/** Digits of a kept share. */
const SHARE_DIGITS = 6;

/**
 * The cuts nearest to a few hundred shares. Where many scores are equal, or there are few scores, there
 * are fewer cuts, and the shares between two of them cannot be had.
 * @param scores of tokens along the large model's own answers: at least one
 */
export function shareCuts(scores: readonly number[]): readonly ShareCut[] {
  const distribution = new ScoreDistribution(scores, 'below');
  const cuts: ShareCut[] = [];
  for (const wanted of CUT_SHARES) {
    const { threshold, share } = distribution.cutFor(wanted);
    const isNew = share > 0 && share < 1 && threshold > (cuts.at(-1)?.threshold ?? NEVER);
    if (isNew) cuts.push({ threshold, share: Number(share.toFixed(SHARE_DIGITS)) });
  }
  return cuts;
}

/**
 * The threshold for a share: real runs tell which share along the large model's answers comes out as the
 * wanted one, and the cuts tell the threshold.
 * @param share from 0 to 1
 * @param unit what the share is of: tokens of a router, steps of a reward
 * @throws PilotfishError `threshold-invalid` for a share outside of what was measured, and for one that
 *   equal scores make impossible
 */
export function thresholdForShare(
  calibration: Calibration,
  share: number,
  unit: HeadUnit = 'token',
): number {
  if (share <= 0) return NEVER;
  if (share >= 1) return ALWAYS;
  const { cuts } = calibration;
  if (cuts.length === 0) throw noCuts(calibration, share);
  const knots = measuredShares(calibration);
  const [first, last] = [required(knots[0], 'a knot'), required(knots.at(-1), 'a knot')];
  if (share < first.share || share > last.share) {
    throw notMeasured(calibration, share, unit, [first.share, last.share]);
  }
  const predicted = interpolated(knots, share, 'share', 'predictedShare');
  const cut = nearestTo(cuts, predicted);
  if (Math.abs(cut.share - predicted) > Math.max(OFF_MAX, predicted * OFF_SHARE_MAX)) {
    throw impossible(calibration, share, unit, predicted);
  }
  return cut.threshold;
}

/** What a head judges. */
export type HeadUnit = Extract<Unit, 'token' | 'step'>;

const NOUNS: Readonly<Record<HeadUnit, string>> = { token: 'router', step: 'reward' };

/** How far the nearest possible share may be off, in shares and as a part of the wanted one. */
const OFF_MAX = 0.005;
const OFF_SHARE_MAX = 0.1;

type Knot = Pick<CalibrationPoint, 'predictedShare' | 'share'>;

/** Without runs, shares along the large model's answers have to do. */
function measuredShares({ points, cuts }: Calibration): readonly Knot[] {
  if (points.length > 0) return points;
  return cuts.map(({ share }) => ({ predictedShare: share, share }));
}

/** Linear between the two knots around the value. @param value from the first knot's to the last one's */
function interpolated(
  knots: readonly Knot[],
  value: number,
  from: keyof Knot,
  to: keyof Knot,
): number {
  const at = Math.max(
    0,
    knots.findIndex((knot) => knot[from] >= value),
  );
  const high = required(knots[at], 'a knot');
  const low = knots[at - 1] ?? high;
  const width = high[from] - low[from];
  return width === 0 ? high[to] : low[to] + ((value - low[from]) / width) * (high[to] - low[to]);
}

function nearestTo(cuts: readonly ShareCut[], share: number): ShareCut {
  const off = (cut: ShareCut): number => Math.abs(cut.share - share);
  return cuts.reduce((best, cut) => (off(cut) < off(best) ? cut : best));
}

function noCuts({ on }: Calibration, share: number): PilotfishError {
  return shareError(
    share,
    `The router's file is of version 1, which says too little about its scores to find a share ` +
      `of ${percent(share)}.`,
    `Run \`pilotfish calibrate\` on it (it was calibrated on ${on}), or give a threshold.`,
  );
}

function notMeasured(
  { on }: Calibration,
  share: number,
  unit: HeadUnit,
  [least, most]: readonly [number, number],
): PilotfishError {
  const noun = NOUNS[unit];
  const range = `from ${inward(least, Math.ceil)} to ${inward(most, Math.floor)} %`;
  return shareError(
    share,
    `A share of ${exactPercent(share)} was not measured: the ${noun} was calibrated ${range}, on ${on}.`,
    `Ask for a share in this range, for 0% or 100%, or calibrate the ${noun} with other --shares.`,
  );
}

function impossible(
  { cuts, on }: Calibration,
  share: number,
  unit: HeadUnit,
  predicted: number,
): PilotfishError {
  const below = cuts.findLast((cut) => cut.share <= predicted)?.share ?? 0;
  const above = cuts.find((cut) => cut.share > predicted)?.share ?? 1;
  return shareError(
    share,
    `The ${NOUNS[unit]} cannot give a share of ${exactPercent(share)}: no threshold separates its scores ` +
      `between ${percent(below)} and ${percent(above)} of the ${unit}s of ${on}.`,
    'Ask for a smaller or a larger share.',
  );
}

function shareError(share: number, message: string, remedy: string): PilotfishError {
  return new PilotfishError('threshold-invalid', message, { remedy, fields: { share } });
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

/** A share that was asked for, unrounded: 99.99 % is not 100 %. */
function exactPercent(share: number): string {
  return `${Number((100 * share).toPrecision(9))} %`;
}

/** A bound in percent with one decimal, on the inner side, so that it may be asked for. */
function inward(share: number, round: (value: number) => number): number {
  return round(Number((1000 * share).toPrecision(9))) / 10;
}

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
