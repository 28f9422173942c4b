/** The interval of costs over which curves are compared. */
import { PilotfishError } from '../../core/errors.ts';

/**
 * Costs as shares of the way from the small model's cost to the large one's. On the axis of the large
 * share these are large shares.
 */
export interface ShareInterval {
  /** Above 0. */
  readonly low: number;
  /** Below 1. */
  readonly high: number;
}

/**
 * From one token in forty, about one in a short answer, through four doublings. Above it a gate saves
 * little: with a small model of a third of the size, half of the tokens cost five sixths of the large
 * model. It was fixed before any evaluation used it.
 */
export const FOUR_DOUBLINGS: ShareInterval = { low: 0.025, high: 0.4 };

/** @throws PilotfishError `option-invalid` unless the shares are two, rising, within 0 and 1 */
export function shareInterval(shares: readonly number[]): ShareInterval {
  const [low, high] = shares;
  if (shares.length === 2 && low !== undefined && high !== undefined) {
    if (low > 0 && low < high && high < 1) return { low, high };
  }
  throw new PilotfishError(
    'option-invalid',
    `The interval of shares is ${shares.join(',')}; it has to be two rising shares between 0 and 1.`,
    {
      remedy: 'Give the lower and the higher share, as 2.5%,40%.',
      fields: { interval: shares.join(',') },
    },
  );
}
