/**
 * The share of tokens that a user asked the large model for, against the share that it wrote. A share
 * comes from a calibration, and holds for prompts like those of the calibration. Pure.
 */
import type { RunCost } from '../core/events.ts';
import type { AskedShare } from '../strategy/strategy.ts';

/** The part of the asked share by which the share got may be off without a warning. */
const PART_MAX = 1 / 3;
/** In a short answer a few tokens decide: so many are never a reason for a warning. */
const TOKEN_COUNT_MAX = 3;
/** Standard deviations that as many coins would be off by chance. */
const DEVIATIONS_MAX = 2;

/**
 * The warning of a run whose share is off by more than a third, by more than three tokens, and by more
 * than two standard deviations of as many coins; else null.
 */
export function shareWarning(
  { share, on }: AskedShare,
  { largeShare, tokenCount }: Pick<RunCost, 'largeShare' | 'tokenCount'>,
): string | null {
  const askedCount = share * tokenCount;
  const off = Math.abs(largeShare * tokenCount - askedCount);
  const deviation = Math.sqrt(askedCount * (1 - share));
  const tokensMax = Math.max(TOKEN_COUNT_MAX, DEVIATIONS_MAX * deviation);
  if (off <= askedCount * PART_MAX || off <= tokensMax) return null;
  return (
    `The large model wrote ${percent(largeShare)} of the tokens, and ${percent(share)} was asked ` +
    `for: shares hold for prompts like those of the router's calibration (${on}).`
  );
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
