/** How many answers of a run a device asks for, so that the hub never waits for it. */
import { RUN_LENGTH_MAX } from './limits.ts';

/** Tokens that arrive between two messages that ask for more. */
const RUN_STEP_LENGTH = 32;

/**
 * The `countMax` of the next `write`. The hub has enough to do for as long as `RUN_LENGTH_MAX` less one
 * step takes: a round trip may last as long.
 * @param dueCount answers that were asked for and have not come
 * @param wantedCount answers that the device wants from now on, those included
 * @returns 0 if it need not ask now
 */
export function runLength(dueCount: number, wantedCount: number): number {
  if (wantedCount <= dueCount || dueCount > RUN_LENGTH_MAX - RUN_STEP_LENGTH) return 0;
  return Math.min(wantedCount, RUN_LENGTH_MAX);
}
