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

/** Numbers from `min` to `max`, in units of 10^-scale; null: no bound. */
export interface NumberRange {
  readonly min: bigint | null;
  readonly max: bigint | null;
  /** Whether the bound itself is excluded. */
  readonly minExclusive: boolean;
  readonly maxExclusive: boolean;
  /** The digits of the bounds behind the point. */
  readonly scale: number;
  /** The most digits that may follow those. */
  readonly moreDigits: number;
}

/** Decimal numbers between bounds, without exponents, which would need other digits. */
export function numbersIn(range: NumberRange): Expression {
  return choice(sequence(text('-'), belowZero(range)), fromZero(range));
}

function belowZero(range: NumberRange): Expression {
  const { min, max, minExclusive, maxExclusive } = range;
  if (min !== null && min >= 0n) return choice();
  // Minus zero equals zero, which belongs to the numbers from 0 up.
  const zero = { min: 0n, minExclusive: true };
  const from = max !== null && max < 0n ? { min: -max, minExclusive: maxExclusive } : zero;
  const size = min === null ? null : -min;
  return magnitudes({ ...range, ...from, max: size, maxExclusive: minExclusive });
}

function fromZero(range: NumberRange): Expression {
  const { min, max } = range;
  if (max !== null && max < 0n) return choice();
  if (min !== null && min >= 0n) return magnitudes({ ...range, min });
  return magnitudes({ ...range, min: 0n, minExclusive: false });
}

/** Numbers from `min` >= 0 up. */
function magnitudes(range: NumberRange & { readonly min: bigint }): Expression {
  const { min, max, minExclusive, maxExclusive, scale, moreDigits } = range;
  if (max !== null && max < min) return choice();
  const first = minExclusive ? min + 1n : min;
  const below = max === null ? null : max - 1n;
  if (moreDigits === 0) return spanned(first, maxExclusive ? below : max, scale, 0);
  // With more digits, the numbers that begin with the units below the bound are below it too.
  const options = [spanned(first, below, scale, moreDigits)];
  if (minExclusive && max !== min) {
    options.push(sequence(exactly(min, scale), aboveZero(moreDigits)));
  }
  if (max !== null && !maxExclusive && (max > min || !minExclusive)) {
    options.push(sequence(spanned(max, max, scale, 0), scale === 0 ? ZEROS : EMPTY));
  }
  return choice(...options);
}

const ZEROS: Expression = optional(sequence(text('.'), repeat(text('0'), 1, 6)));

/** All digits of a number up to the scale, with the point if digits are to follow. */
function exactly(units: bigint, scale: number): Expression {
  const one = 10n ** BigInt(scale);
  const fraction = scale === 0 ? '' : String(units % one).padStart(scale, '0');
  return text(`${units / one}.${fraction}`);
}

/** Zeros, a digit other than 0, and more digits. */
function aboveZero(count: number): Expression {
  const zeros = Math.floor((count - 1) / 2);
  return sequence(repeat(text('0'), 0, zeros), oneOf('19'), digits(0, count - 1 - zeros));
}

/** The texts whose digits up to the scale are between two numbers, both included. */
function spanned(low: bigint, high: bigint | null, scale: number, more: number): Expression {
  if (high !== null && high < low) return choice();
  const lowText = String(low).padStart(scale + 1, '0');
  const highText = high === null ? null : String(high).padStart(scale + 1, '0');
  const longest = highText?.length ?? Math.max(lowText.length, DIGIT_COUNT_MAX + scale);
  const options: Expression[] = [];
  for (let length = lowText.length; length <= longest; length += 1) {
    const first = length === lowText.length ? lowText : `1${'0'.repeat(length - 1)}`;
    const last = highText !== null && length === longest ? highText : '9'.repeat(length);
    options.push(whole(first, last, scale, more));
  }
  return choice(...options);
}

const isZero = (digitText: string): boolean => /^0*$/.test(digitText);
const isAnything = (low: string, high: string): boolean => isZero(low) && /^9*$/.test(high);

/** The digits before the point, and the rest. */
function whole(low: string, high: string, scale: number, more: number): Expression {
  if (low.length === scale) return afterWhole(low, high, more);
  if (isAnything(low, high)) {
    const count = low.length - scale;
    return sequence(repeat(DIGIT, count, count), anyFraction(scale + more));
  }
  return split(low, high, (a, b) => whole(a, b, scale, more));
}

function anyFraction(count: number): Expression {
  return count === 0 ? EMPTY : optional(sequence(text('.'), digits(1, count)));
}

function afterWhole(low: string, high: string, more: number): Expression {
  if (low.length + more === 0) return EMPTY;
  const fraction = sequence(text('.'), someFraction(low, high, more));
  return isZero(low) ? optional(fraction) : fraction;
}

/** At least one digit behind the point. Zeros at the end may be left out. */
function someFraction(low: string, high: string, more: number): Expression {
  if (isAnything(low, high)) return digits(1, low.length + more);
  return split(low, high, (a, b) => {
    if (isAnything(a, b)) return digits(0, a.length + more);
    const rest = someFraction(a, b, more);
    return isZero(a) ? optional(rest) : rest;
  });
}

/** By the first digit: equal to that of `low`, between, or equal to that of `high`. */
function split(
  low: string,
  high: string,
  rest: (low: string, high: string) => Expression,
): Expression {
  const [first, last] = [Number(low[0]), Number(high[0])];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  const nines = '9'.repeat(lowRest.length);
  const zeros = '0'.repeat(lowRest.length);
  if (first === last) return sequence(text(String(first)), rest(lowRest, highRest));
  const from = first + (isZero(lowRest) ? 0 : 1);
  const to = last - (highRest === nines ? 0 : 1);
  const options: Expression[] = [];
  if (from > first) options.push(sequence(text(String(first)), rest(lowRest, nines)));
  if (from <= to) options.push(sequence(oneOf(`${from}${to}`), rest(zeros, nines)));
  if (to < last) options.push(sequence(text(String(last)), rest(zeros, highRest)));
  return choice(...options);
}
