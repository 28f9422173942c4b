/**
 * The share of tokens or steps that a user asked the large model for, against the share that it wrote. A
 * share comes from a calibration, and holds for prompts like those of the calibration. Pure.
 */
import type { RunCost } from '../core/events.ts';
import type { AskedShare } from '../strategy/strategy.ts';

/** The part of the asked share by which the share got may be off without a warning. */
const PART_MAX = 1 / 3;
/** In a short answer a few tokens or steps decide: so many are never a reason for a warning. */
const COUNT_MAX = 3;
/** Standard deviations that as many coins would be off by chance. */
const DEVIATIONS_MAX = 2;

type ShareCost = Pick<RunCost, 'largeShare' | 'tokenCount' | 'rejectedShare' | 'stepCount'>;

/**
 * The warning of a run whose share is off by more than a third, by more than three tokens or steps, and by
 * more than two standard deviations of as many coins; else null.
 */
export function shareWarning({ share, unit, on }: AskedShare, cost: ShareCost): string | null {
  const { got, count } = gotOf(unit, cost);
  const askedCount = share * count;
  const off = Math.abs(got * count - askedCount);
  const deviation = Math.sqrt(askedCount * (1 - share));
  const countMax = Math.max(COUNT_MAX, DEVIATIONS_MAX * deviation);
  if (off <= askedCount * PART_MAX || off <= countMax) return null;
  return (
    `The large model wrote ${percent(got)} of the ${unit}s, and ${percent(share)} was asked ` +
    `for: shares hold for prompts like those of the calibration (${on}).`
  );
}

function gotOf(
  unit: AskedShare['unit'],
  { largeShare, tokenCount, rejectedShare, stepCount }: ShareCost,
): { readonly got: number; readonly count: number } {
  if (unit === 'token') return { got: largeShare, count: tokenCount };
  return { got: rejectedShare ?? 0, count: stepCount ?? 0 };
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
