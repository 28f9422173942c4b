/** Reads numbers from the command line strictly: `12abc`, an empty text and `NaN` are refused. */
import { PilotfishError } from '../../core/errors.ts';

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

export interface NumberRange {
  readonly holds: (value: number) => boolean;
  /** Completes the sentence "Give --option as …". */
  readonly says: string;
}

/** An integer from `min` up, to `max` if there is one. */
export function integerFrom(min: number, max: number = Number.MAX_SAFE_INTEGER): NumberRange {
  return {
    holds: (value) => Number.isSafeInteger(value) && value >= min && value <= max,
    says:
      max === Number.MAX_SAFE_INTEGER
        ? `an integer from ${min} up`
        : `an integer from ${min} to ${max}`,
  };
}

/** @throws PilotfishError `option-invalid`, naming the option, the value and the allowed range */
export function parseNumber(option: string, range: NumberRange, text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value) && range.holds(value)) return value;
  throw new PilotfishError('option-invalid', `${option} is "${text}", not ${range.says}.`, {
    remedy: `Give ${option} as ${range.says}.`,
    fields: { option, value: text, allowed: range.says },
  });
}

/** A commander parser for one option. */
export function numberParser(option: string, range: NumberRange): (text: string) => number {
  return (text) => parseNumber(option, range, text);
}

/** Milliseconds of a network's round trip. A minute is too long for one. */
export const ROUND_TRIP_MS: NumberRange = {
  holds: (value) => value >= 0 && value <= 60_000,
  says: 'a number of milliseconds from 0 to 60000',
};

export const UNIT_INTERVAL: NumberRange = {
  holds: (value) => value >= 0 && value <= 1,
  says: 'a number from 0 to 1',
};
