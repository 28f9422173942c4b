/**
 * The complex value of an expression in double precision, with a bound of its error: two values
 * that lie nearer to each other than their errors are taken for the same, and a value that is mostly
 * error is none.
 */
import type { Rational } from '../rational.ts';
import { type Expression, hasCall } from './expression.ts';

export interface Approximation {
  readonly re: number;
  readonly im: number;
  /** A bound of the distance from the exact value. */
  readonly error: number;
}

/** A few units in the last place for each operation. */
const EPSILON = 8 * Number.EPSILON;
const FACTORIAL_MAX = 170;
/** Values with a larger share of error say nothing. */
const ERROR_SHARE_MAX = 1e-6;
/** Of values below it, such as `\sqrt2\sqrt2-2`, the error itself counts. */
const SMALL = 1e-3;

export interface Setting {
  readonly values: ReadonlyMap<string, Rational>;
  /** Without, an even root or logarithm of a negative number has no value. */
  readonly isComplex: boolean;
}

/** @returns null where it is not defined, too large or too inexact */
export function approximateValue(expression: Expression, setting: Setting): Approximation | null {
  const value = evaluated(expression, setting);
  if (value === null) return null;
  const size = Math.hypot(value.re, value.im);
  return value.error > ERROR_SHARE_MAX * Math.max(size, SMALL) ? null : value;
}

export function isNear(a: Approximation, b: Approximation): boolean {
  return Math.hypot(a.re - b.re, a.im - b.im) <= a.error + b.error;
}

function finite(re: number, im: number, error: number): Approximation | null {
  const total = error + EPSILON * Math.hypot(re, im);
  return Number.isFinite(re) && Number.isFinite(im) && Number.isFinite(total)
    ? { re, im, error: total }
    : null;
}

function evaluated(expression: Expression, setting: Setting): Approximation | null {
  switch (expression.kind) {
    case 'number':
      return ofRational(expression.value);
    case 'symbol':
      return ofSymbol(expression.name, setting);
    case 'call': {
      const [first, second] = expression.parts;
      if (first === undefined) return null;
      const a = evaluated(first, setting);
      if (a === null) return null;
      if (second === undefined) return ofOne(expression.name, a, first, setting);
      const b = evaluated(second, setting);
      return b === null ? null : ofTwo(expression.name, a, b, setting);
    }
  }
}

function ofRational({ numerator, denominator }: Rational): Approximation | null {
  const [above, below] = [Number(numerator), Number(denominator)];
  if (Number.isFinite(above) && Number.isFinite(below)) return finite(above / below, 0, 0);
  return null;
}

function ofSymbol(name: string, { values }: Setting): Approximation | null {
  if (name === 'e') return finite(Math.E, 0, 0);
  if (name === '\\pi') return finite(Math.PI, 0, 0);
  if (name === 'i') return { re: 0, im: 1, error: 0 };
  const value = values.get(name);
  return value === undefined ? null : ofRational(value);
}

function ofTwo(
  name: string,
  a: Approximation,
  b: Approximation,
  setting: Setting,
): Approximation | null {
  switch (name) {
    case '+':
      return finite(a.re + b.re, a.im + b.im, a.error + b.error + EPSILON * (size(a) + size(b)));
    case '*':
      return product(a, b);
    case '/':
      return quotient(a, b);
    case '^':
      return power(a, b, setting);
    case 'root':
      return isWhole(b) ? root(a, b.re, setting) : null;
    case 'log': {
      const [above, below] = [logarithm(a, setting), logarithm(b, setting)];
      return above === null || below === null ? null : quotient(above, below);
    }
    default:
      return null;
  }
}

function size({ re, im }: Approximation): number {
  return Math.hypot(re, im);
}

function isWhole({ re, im, error }: Approximation): boolean {
  return im === 0 && Number.isInteger(re) && error < 1e-6;
}

function product(a: Approximation, b: Approximation): Approximation | null {
  const error = a.error * size(b) + b.error * size(a) + a.error * b.error;
  const bound = error + EPSILON * size(a) * size(b);
  return finite(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, bound);
}

function quotient(a: Approximation, b: Approximation): Approximation | null {
  const below = size(b);
  // A divisor that may be 0 divides nothing.
  if (below <= 2 * b.error) return null;
  const square = below * below;
  const re = (a.re * b.re + a.im * b.im) / square;
  const im = (a.im * b.re - a.re * b.im) / square;
  const ratio = Math.hypot(re, im);
  return finite(re, im, (2 * (a.error + ratio * b.error)) / below + EPSILON * ratio);
}

function power(a: Approximation, b: Approximation, setting: Setting): Approximation | null {
  if (size(a) <= a.error) return b.re > 0 && b.im === 0 ? finite(0, 0, a.error ** b.re) : null;
  if (a.im === 0 && a.re > 0 && b.im === 0) {
    const value = a.re ** b.re;
    const relative = Math.abs(b.re) * (a.error / a.re) + Math.abs(Math.log(a.re)) * b.error;
    return finite(value, 0, 2 * value * (relative + Math.abs(b.re) * EPSILON));
  }
  if (isWhole(b) && Math.abs(b.re) <= 1024) return wholePower(a, b.re);
  if (!setting.isComplex) return null;
  const log = logarithm(a, setting);
  const exponent = log === null ? null : product(log, b);
  return exponent === null ? null : exponential(exponent);
}

function wholePower(a: Approximation, exponent: number): Approximation | null {
  let result: Approximation | null = { re: 1, im: 0, error: 0 };
  for (let step = 0; step < Math.abs(exponent) && result !== null; step += 1) {
    result = product(result, a);
  }
  if (result === null || exponent >= 0) return result;
  return quotient({ re: 1, im: 0, error: 0 }, result);
}

function root(a: Approximation, degree: number, setting: Setting): Approximation | null {
  if (degree < 1) return null;
  if (size(a) <= a.error) return finite(0, 0, a.error ** (1 / degree));
  const isReal = a.im === 0;
  if (isReal && (a.re > 0 || degree % 2 === 1)) {
    const value = Math.sign(a.re) * Math.abs(a.re) ** (1 / degree);
    return finite(value, 0, (Math.abs(value) * a.error) / Math.abs(a.re));
  }
  if (!setting.isComplex) return null;
  const radius = size(a) ** (1 / degree);
  const angle = Math.atan2(a.im, a.re) / degree;
  const error = (radius * a.error) / size(a);
  return finite(radius * Math.cos(angle), radius * Math.sin(angle), error + EPSILON * radius);
}

function logarithm(a: Approximation, { isComplex }: Setting): Approximation | null {
  const radius = size(a);
  if (radius <= 2 * a.error) return null;
  if (!isComplex && (a.im !== 0 || a.re < 0)) return null;
  return finite(Math.log(radius), Math.atan2(a.im, a.re), (2 * a.error) / radius + EPSILON);
}

function exponential({ re, im, error }: Approximation): Approximation | null {
  const radius = Math.exp(re);
  return finite(
    radius * Math.cos(im),
    radius * Math.sin(im),
    2 * radius * (error + EPSILON * Math.hypot(re, im)),
  );
}

function ofOne(
  name: string,
  a: Approximation,
  part: Expression,
  setting: Setting,
): Approximation | null {
  switch (name) {
    case '+':
    case 'degree':
      return a;
    case '-':
      return { re: -a.re, im: -a.im, error: a.error };
    case 'abs':
      return finite(size(a), 0, a.error);
    case '!':
      return factorial(a);
    case 'floor':
    case 'ceil':
      return rounded(a, name === 'floor' ? Math.floor : Math.ceil);
    case 'ln':
      return logarithm(a, setting);
    case 'exp':
      return exponential(a);
    default:
      return ofFunction(name, hasCall(part, 'degree') ? radians(a) : a);
  }
}

function radians({ re, im, error }: Approximation): Approximation {
  const factor = Math.PI / 180;
  return {
    re: re * factor,
    im: im * factor,
    error: (error + EPSILON * Math.hypot(re, im)) * factor,
  };
}

function factorial(a: Approximation): Approximation | null {
  if (!isWhole(a) || a.re < 0 || a.re > FACTORIAL_MAX) return null;
  let value = 1;
  for (let factor = 2; factor <= a.re; factor += 1) value *= factor;
  return finite(value, 0, a.re * EPSILON * value);
}

/** A value within its error of a whole number cannot be rounded. */
function rounded(a: Approximation, round: (value: number) => number): Approximation | null {
  if (a.im !== 0) return null;
  const value = round(a.re);
  const isSure = round(a.re - a.error) === value && round(a.re + a.error) === value;
  return isSure ? finite(value, 0, 0) : null;
}

interface Sloped {
  readonly value: number;
  readonly slope: number;
}

/** The functions of a real number. */
const FUNCTIONS: Readonly<Record<string, (x: number) => Sloped>> = {
  sin: (x) => ({ value: Math.sin(x), slope: 1 }),
  cos: (x) => ({ value: Math.cos(x), slope: 1 }),
  tan: (x) => ({ value: Math.tan(x), slope: 1 + Math.tan(x) ** 2 }),
  cot: (x) => ({ value: 1 / Math.tan(x), slope: 1 + 1 / Math.tan(x) ** 2 }),
  sec: (x) => ({ value: 1 / Math.cos(x), slope: 1 / Math.cos(x) ** 2 }),
  csc: (x) => ({ value: 1 / Math.sin(x), slope: 1 / Math.sin(x) ** 2 }),
  arcsin: (x) => ({ value: Math.asin(x), slope: 1 / Math.sqrt(Math.max(1 - x * x, 1e-12)) }),
  arccos: (x) => ({ value: Math.acos(x), slope: 1 / Math.sqrt(Math.max(1 - x * x, 1e-12)) }),
  arctan: (x) => ({ value: Math.atan(x), slope: 1 }),
  sinh: (x) => ({ value: Math.sinh(x), slope: Math.cosh(x) }),
  cosh: (x) => ({ value: Math.cosh(x), slope: Math.cosh(x) }),
  tanh: (x) => ({ value: Math.tanh(x), slope: 1 }),
};

function ofFunction(name: string, a: Approximation): Approximation | null {
  const apply = FUNCTIONS[name];
  if (apply === undefined || a.im !== 0) return null;
  const { value, slope } = apply(a.re);
  return finite(value, 0, slope * (a.error + EPSILON * Math.abs(a.re)));
}
