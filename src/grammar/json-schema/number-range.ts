/** Numbers between bounds, as grammar over their digits. */
import {
  choice,
  EMPTY,
  type Expression,
  oneOf,
  optional,
  repeat,
  sequence,
  text,
} from '../expression.ts';
import { DIGIT, DIGIT_COUNT_MAX, digits } from './json-values.ts';

/** Integers from `min` to `max`, both included; null: no bound. An empty range matches nothing. */
export interface IntegerRange {
  readonly min: number | null;
  readonly max: number | null;
}

export function integersIn({ min, max }: IntegerRange): Expression {
  const options: Expression[] = [];
  if (min === null || min < 0) {
    const largest = min === null ? null : -min;
    const smallest = max === null || max >= 0 ? 1 : -max;
    options.push(sequence(text('-'), magnitudes(smallest, largest)));
  }
  if (max === null || max >= 0) options.push(magnitudes(Math.max(0, min ?? 0), max));
  return choice(...options);
}

export interface NumberRange extends IntegerRange {
  /** Whether the bound itself is excluded. */
  readonly minExclusive: boolean;
  readonly maxExclusive: boolean;
}

/** Decimal numbers between integer bounds. They have no exponents, which would need other digits. */
export function numbersIn(range: NumberRange): Expression {
  const { min, max, minExclusive, maxExclusive } = range;
  const options: Expression[] = [];
  if (min === null || min < 0) {
    const size = min === null ? null : -min;
    // Minus zero equals zero, which belongs to the numbers from 0 up.
    const zero = { min: 0, minExclusive: true };
    const from = max !== null && max < 0 ? { min: -max, minExclusive: maxExclusive } : zero;
    const below = decimals({ ...from, max: size, maxExclusive: minExclusive });
    options.push(sequence(text('-'), below));
  }
  if (max === null || max >= 0) {
    const from = min !== null && min >= 0 ? { min, minExclusive } : { min: 0, minExclusive: false };
    options.push(decimals({ ...from, max, maxExclusive }));
  }
  return choice(...options);
}

/**
 * The largest bound and the most digits of a fraction. A double tells any two such numbers apart, so
 * that no fraction is rounded up to a bound.
 */
export const NUMBER_BOUND_MAX = 1_000_000_000;
const FRACTION_DIGIT_COUNT_MAX = 6;
const ANY_FRACTION: Expression = optional(sequence(text('.'), digits(1, FRACTION_DIGIT_COUNT_MAX)));
const ZERO_FRACTION: Expression = optional(
  sequence(text('.'), repeat(text('0'), 1, FRACTION_DIGIT_COUNT_MAX)),
);
/** Leading zeros, a digit other than 0, and more digits. */
const FRACTION_ABOVE_ZERO: Expression = sequence(
  text('.'),
  repeat(text('0'), 0, FRACTION_DIGIT_COUNT_MAX / 2),
  oneOf('19'),
  digits(0, FRACTION_DIGIT_COUNT_MAX / 2 - 1),
);

/** Decimal numbers from `min` >= 0 up. */
function decimals(range: NumberRange & { readonly min: number }): Expression {
  const { min, max, minExclusive, maxExclusive } = range;
  const atMin = text(String(min));
  if (max !== null && max < min) return choice();
  if (max === min) {
    return minExclusive || maxExclusive ? choice() : sequence(atMin, ZERO_FRACTION);
  }
  const options = [sequence(atMin, minExclusive ? FRACTION_ABOVE_ZERO : ANY_FRACTION)];
  if (max === null || max - min > 1) {
    const between = magnitudes(min + 1, max === null ? null : max - 1);
    options.push(sequence(between, ANY_FRACTION));
  }
  if (max !== null && !maxExclusive) options.push(sequence(text(String(max)), ZERO_FRACTION));
  return choice(...options);
}

/** Integers from `min` >= 0 up, without a sign. */
function magnitudes(min: number, max: number | null): Expression {
  if (max !== null && max < min) return choice();
  const low = String(min);
  const longest = max === null ? DIGIT_COUNT_MAX : String(max).length;
  const options: Expression[] = [];
  for (let length = low.length; length <= longest; length += 1) {
    const first = length === low.length ? low : `1${'0'.repeat(length - 1)}`;
    const isLast = max !== null && length === longest;
    options.push(sameLength(first, isLast ? String(max) : '9'.repeat(length)));
  }
  return choice(...options);
}

/** Digit strings between two strings of the same length. */
function sameLength(low: string, high: string): Expression {
  if (low === '') return EMPTY;
  if (/^0*$/.test(low) && /^9*$/.test(high)) return repeat(DIGIT, low.length, low.length);
  const [first, last] = [low[0] ?? '', high[0] ?? ''];
  const rest = low.length - 1;
  if (first === last) return sequence(text(first), sameLength(low.slice(1), high.slice(1)));
  const lowFits = /^0*$/.test(low.slice(1));
  const highFits = /^9*$/.test(high.slice(1));
  const from = Number(first) + (lowFits ? 0 : 1);
  const to = Number(last) - (highFits ? 0 : 1);
  const options: Expression[] = [];
  if (!lowFits) options.push(sequence(text(first), sameLength(low.slice(1), '9'.repeat(rest))));
  if (from <= to) options.push(sequence(oneOf(`${from}${to}`), digits(rest, rest)));
  if (!highFits) options.push(sequence(text(last), sameLength('0'.repeat(rest), high.slice(1))));
  return choice(...options);
}
