/**
 * The exact value of an expression as a fraction, where it is one: `\frac{14}4` is 7/2, `\sqrt{16}`
 * is 4. Variables have given values. Anything else, and whatever would be too large, has none.
 */
import { negative, over, plus, type Rational, ratio, times } from '../rational.ts';
import type { Expression } from './expression.ts';

/** Larger numbers are no answers, and their digits would take time. */
const BITS_MAX = 4096;
const FACTORIAL_MAX = 400;
const ROOT_MAX = 64;

export type Values = ReadonlyMap<string, Rational>;

export function exactValue(expression: Expression, values: Values): Rational | null {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'symbol':
      return values.get(expression.name) ?? null;
    case 'call': {
      const parts: Rational[] = [];
      for (const part of expression.parts) {
        const value = exactValue(part, values);
        if (value === null) return null;
        parts.push(value);
      }
      const [a, b] = parts;
      return a === undefined ? null : bounded(applied(expression.name, a, b));
    }
  }
}

function bounded(value: Rational | null): Rational | null {
  return value === null || bits(value) > BITS_MAX ? null : value;
}

function applied(name: string, a: Rational, b: Rational | undefined): Rational | null {
  switch (name) {
    case '+':
      return b === undefined ? a : plus(a, b);
    case '-':
      return negative(a);
    case '*':
      return b === undefined ? null : times(a, b);
    case '/':
      return b === undefined ? null : over(a, b);
    case '^':
      return b === undefined ? null : power(a, b);
    case 'root':
      return b === undefined ? null : root(a, b);
    case 'binomial':
      return b === undefined ? null : binomial(a, b);
    case 'log':
      return b === undefined ? null : logarithm(a, b);
    default:
      return ofOne(name, a);
  }
}

function ofOne(name: string, a: Rational): Rational | null {
  switch (name) {
    case 'abs':
      return a.numerator < 0n ? negative(a) : a;
    case 'degree':
      return a;
    case '!':
      return factorial(a);
    case 'floor':
      return whole(floor(a));
    case 'ceil':
      return whole(-floor(negative(a)));
    default:
      return null;
  }
}

function whole(numerator: bigint): Rational {
  return { numerator, denominator: 1n };
}

function floor({ numerator, denominator }: Rational): bigint {
  const quotient = numerator / denominator;
  return numerator % denominator < 0n ? quotient - 1n : quotient;
}

/** About how many bits the number takes. */
function bits({ numerator, denominator }: Rational): number {
  return bitLength(numerator) + bitLength(denominator);
}

function bitLength(value: bigint): number {
  return value.toString(16).length * 4;
}

function power(base: Rational, exponent: Rational): Rational | null {
  if (exponent.denominator !== 1n) {
    const part = root(base, whole(exponent.denominator));
    return part === null ? null : power(part, whole(exponent.numerator));
  }
  const size = Number(exponent.numerator < 0n ? -exponent.numerator : exponent.numerator);
  const isUnit = base.denominator === 1n && base.numerator ** 2n <= 1n;
  if (!isUnit && size * bits(base) > 2 * BITS_MAX) return null;
  // 0, 1 and -1 have powers of any size.
  const n = isUnit
    ? BigInt(size > 2 ? 2 + (exponent.numerator % 2n === 0n ? 0 : 1) : size)
    : BigInt(size);
  const { numerator, denominator } = base;
  const [above, below] = [numerator ** n, denominator ** n];
  return exponent.numerator < 0n ? ratio(below, above) : ratio(above, below);
}

/** Where the root is a fraction. Odd roots of negative numbers are the real ones. */
function root(value: Rational, degree: Rational): Rational | null {
  if (degree.denominator !== 1n || degree.numerator < 1n || degree.numerator > ROOT_MAX)
    return null;
  const isNegative = value.numerator < 0n;
  if (isNegative && degree.numerator % 2n === 0n) return null;
  const above = integerRoot(isNegative ? -value.numerator : value.numerator, degree.numerator);
  const below = integerRoot(value.denominator, degree.numerator);
  return above === null || below === null ? null : ratio(isNegative ? -above : above, below);
}

/** By Newton's method, from above. @returns null where it is not whole */
function integerRoot(value: bigint, degree: bigint): bigint | null {
  if (value < 2n) return value;
  let guess = 1n << (BigInt(bitLength(value)) / degree + 1n);
  for (;;) {
    const next = ((degree - 1n) * guess + value / guess ** (degree - 1n)) / degree;
    if (next >= guess) break;
    guess = next;
  }
  return guess ** degree === value ? guess : null;
}

function factorial({ numerator, denominator }: Rational): Rational | null {
  if (denominator !== 1n || numerator < 0n || numerator > FACTORIAL_MAX) return null;
  let product = 1n;
  for (let factor = 2n; factor <= numerator; factor += 1n) product *= factor;
  return whole(product);
}

function binomial(n: Rational, k: Rational): Rational | null {
  if (n.denominator !== 1n || k.denominator !== 1n || n.numerator < 0n) return null;
  if (k.numerator < 0n || k.numerator > n.numerator) return whole(0n);
  const rest = n.numerator - k.numerator;
  const isBelow = rest < k.numerator;
  const count = isBelow ? rest : k.numerator;
  if (count > FACTORIAL_MAX || bitLength(n.numerator) * Number(count) > BITS_MAX) return null;
  let value = 1n;
  for (let step = 1n; step <= count; step += 1n)
    value = (value * (n.numerator - count + step)) / step;
  return whole(value);
}

/** `\log_2 8` is 3, where the logarithm is whole. */
function logarithm(value: Rational, base: Rational): Rational | null {
  if (base.denominator !== 1n || base.numerator < 2n || value.numerator < 1n) return null;
  if (value.numerator === 1n && value.denominator > 1n) {
    const positive = logarithm(whole(value.denominator), base);
    return positive === null ? null : negative(positive);
  }
  if (value.denominator !== 1n) return null;
  let exponent = 0n;
  let rest = value.numerator;
  for (; rest % base.numerator === 0n; rest /= base.numerator) exponent += 1n;
  return rest === 1n ? whole(exponent) : null;
}
