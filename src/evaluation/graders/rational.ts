/**
 * Exact numbers without rounding: 0.1 is one tenth, and 1/3 is no decimal. Answers are compared
 * exactly, so no tolerance is needed.
 */

/** In lowest terms, the denominator positive. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** A larger exponent is noise, and its digits would take memory. */
const EXPONENT_MAX = 400;
/**
 * Longer runs of digits are noise too: the time to read them grows with the square of their length.
 */
const DIGITS_MAX = 1000;

/** @returns null where the denominator is 0 */
export function ratio(numerator: bigint, denominator: bigint): Rational | null {
  if (denominator === 0n) return null;
  const sign = denominator < 0n ? -1n : 1n;
  const divisor = greatestDivisor(numerator, denominator) * sign;
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

const DECIMAL = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * Reads `-12.50`, `.5`, `3.` and `1.2e3`. @returns null for any other text, or a number out of
 * range
 */
export function decimal(text: string): Rational | null {
  const [, sign, whole = '', part = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  const digits = whole + part;
  if (digits === '' || digits.length > DIGITS_MAX) return null;
  const shift = Number(exponent) - part.length;
  if (Math.abs(Number(exponent)) > EXPONENT_MAX) return null;
  const value = BigInt(`${digits}`) * (sign === '-' ? -1n : 1n);
  return shift >= 0 ? ratio(value * 10n ** BigInt(shift), 1n) : ratio(value, 10n ** BigInt(-shift));
}

export function plus(a: Rational, b: Rational): Rational | null {
  const numerator = a.numerator * b.denominator + b.numerator * a.denominator;
  return ratio(numerator, a.denominator * b.denominator);
}

export function times(a: Rational, b: Rational): Rational | null {
  return ratio(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** @returns null where `b` is 0 */
export function over(a: Rational, b: Rational): Rational | null {
  return ratio(a.numerator * b.denominator, a.denominator * b.numerator);
}

export function negative({ numerator, denominator }: Rational): Rational {
  return { numerator: -numerator, denominator };
}

export function isSame(a: Rational, b: Rational): boolean {
  return a.numerator === b.numerator && a.denominator === b.denominator;
}

/** Positive, by Euclid's algorithm. */
function greatestDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
