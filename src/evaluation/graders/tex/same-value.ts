/**
 * Whether two expressions have one value. Variables get a few fixed values, so that `1+x` is `x+1`:
 * exactly, where both are fractions of polynomials, else in double precision within the error of
 * each. Expressions of several real variables may differ where they are not defined.
 */
import { isSame, type Rational } from '../rational.ts';
import { approximateValue, isNear } from './approximate.ts';
import { exactValue } from './exact.ts';
import { type Expression, hasSymbol, variablesOf } from './expression.ts';

/** Agreement at fewer points says nothing. */
const AGREED_MIN = 2;
const VARIABLES_MAX = 40;
/** Whether the points have negative coordinates. */
const POINTS: readonly boolean[] = [false, false, false, true, true];

/** @returns null where it cannot be told: a value is not defined, too large or too inexact */
export function isSameValue(a: Expression, b: Expression): boolean | null {
  const variables = [...new Set([...variablesOf(a), ...variablesOf(b)])];
  if (variables.length > VARIABLES_MAX) return null;
  const isComplex = variables.length === 0 || hasSymbol(a, 'i') || hasSymbol(b, 'i');
  const points = variables.length === 0 ? [false] : POINTS;
  let agreed = 0;
  for (const [index, isSigned] of points.entries()) {
    const values = new Map(variables.map((name) => [name, sample(name, index, isSigned)]));
    const same = isSameAt(a, b, values, isComplex);
    if (same === false) return false;
    if (same === true) agreed += 1;
  }
  return agreed >= Math.min(AGREED_MIN, points.length) ? true : null;
}

function isSameAt(
  a: Expression,
  b: Expression,
  values: ReadonlyMap<string, Rational>,
  isComplex: boolean,
): boolean | null {
  const [x, y] = [exactValue(a, values), exactValue(b, values)];
  if (x !== null && y !== null) return isSame(x, y);
  const left = approximateValue(a, { values, isComplex });
  const right = approximateValue(b, { values, isComplex });
  return left === null || right === null ? null : isNear(left, right);
}

/** A fraction between 1/3 and 4, another one for each name and point. */
function sample(name: string, index: number, isSigned: boolean): Rational {
  let hash = 2166136261 + index * 7919;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  const bits = Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 0;
  const numerator = BigInt(13 + (bits % 127));
  const isNegative = isSigned && (bits >>> 20) % 2 === 0;
  return { numerator: isNegative ? -numerator : numerator, denominator: 37n };
}
