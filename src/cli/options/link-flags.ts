/** Rates and times of links, as `tc` writes them: 1mbit, 20ms. */
import { PilotfishError } from '../../core/errors.ts';
import { parseNumber, ROUND_TRIP_MS } from './parse-number.ts';

const RATE = /^(.+?)(k|m|g)?bit$/i;
const UNIT: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };
const MILLISECONDS = /ms$/i;
const RATE_MIN = 1000;
const RATE_MAX = 1e12;

/**
 * @returns bits per second
 * @throws PilotfishError `option-invalid`
 */
export function parseRate(option: string, text: string): number {
  const [, digits = '', prefix = ''] = RATE.exec(text.trim()) ?? [];
  const unit = UNIT[prefix.toLowerCase()] ?? 1;
  const holds = (value: number): boolean => value * unit >= RATE_MIN && value * unit <= RATE_MAX;
  if (digits !== '') {
    return unit * parseNumber(option, { holds, says: RATE_TEXT }, digits);
  }
  throw new PilotfishError('option-invalid', `${option} is "${text}", not ${RATE_TEXT}.`, {
    remedy: `Give ${option} as ${RATE_TEXT}.`,
    fields: { option, value: text, allowed: RATE_TEXT },
  });
}

const RATE_TEXT = 'a rate with its unit, from 1kbit to 1000gbit, as in 500kbit or 1mbit';

/** Milliseconds, with or without their unit. @throws PilotfishError `option-invalid` */
export function parseRoundTrip(text: string): number {
  return parseNumber('--round-trip', ROUND_TRIP_MS, text.trim().replace(MILLISECONDS, ''));
}
