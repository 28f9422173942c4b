/** The limits and defaults of what a device sends. */
import { LEVEL_BIT_COUNT_MAX } from '../sampling/compressed-distribution.ts';
import { checkOption } from './check-option.ts';
import { isRule } from './fitted-uplink.ts';
import type { UplinkOptions } from './strategy-options.ts';

/** What a compressed distribution has by default. */
export const UPLINK_DEFAULTS = { tokenCount: 4, bitCount: 8 } as const;

/** Far more tokens than any distribution has that matters. */
export const UPLINK_TOKEN_COUNT_MAX = 65_536;
export const UPLINK_BIT_COUNT_MAX: number = LEVEL_BIT_COUNT_MAX;
/** A verdict seldom takes longer than the drafting of so many tokens. */
export const UPLINK_AHEAD_MAX = 64;
/** Gates seldom ask for so many tokens in a row. */
export const UPLINK_RUN_MAX = 64;

/** @throws PilotfishError `option-invalid` */
export function checkUplink({ tokenCount, bitCount, ahead, run }: UplinkOptions): void {
  checkOption('ahead', ahead, {
    ...{ holds: isFrom(0, UPLINK_AHEAD_MAX), says: `an integer from 0 to ${UPLINK_AHEAD_MAX}` },
  });
  checkOption('run', run, {
    ...{ holds: isFrom(1, UPLINK_RUN_MAX), says: `an integer from 1 to ${UPLINK_RUN_MAX}` },
  });
  checkOption('tokenCount', isRule(tokenCount) ? undefined : tokenCount, {
    ...{
      holds: isFrom(1, UPLINK_TOKEN_COUNT_MAX),
      says: `an integer from 1 to ${UPLINK_TOKEN_COUNT_MAX}`,
    },
  });
  checkOption('bitCount', bitCount, {
    ...{
      holds: isFrom(1, LEVEL_BIT_COUNT_MAX),
      says: `an integer from 1 to ${LEVEL_BIT_COUNT_MAX}`,
    },
  });
}

const isFrom =
  (low: number, high: number) =>
  (value: number): boolean =>
    Number.isSafeInteger(value) && value >= low && value <= high;
