/** Numbers and integers by their bounds. */
import type { Expression } from '../expression.ts';
import { choice, oneOf, optional, sequence, text } from '../expression.ts';
import { anyNumber, DIGIT_COUNT_MAX, digits } from './json-values.ts';
import { integersIn, NUMBER_BOUND_MAX, numbersIn } from './number-range.ts';
import { type JsonObject, schemaError } from './schema-keywords.ts';

const ANY_INTEGER: Expression = sequence(
  optional(text('-')),
  choice(text('0'), sequence(oneOf('19'), digits(0, DIGIT_COUNT_MAX - 1))),
);

interface Bounds {
  readonly min: number | null;
  readonly max: number | null;
  readonly minExclusive: boolean;
  readonly maxExclusive: boolean;
}

export function integerSchema(schema: JsonObject, where: string): Expression {
  const step = schema['multipleOf'];
  if (step !== undefined && step !== 1) {
    throw schemaError(
      where,
      'has "multipleOf", which cannot be kept',
      'Leave it out, or use "enum".',
    );
  }
  const { min, max, minExclusive, maxExclusive } = bounds(schema, where);
  if (min === null && max === null) return ANY_INTEGER;
  const low = min === null ? null : minExclusive ? Math.floor(min) + 1 : Math.ceil(min);
  const high = max === null ? null : maxExclusive ? Math.ceil(max) - 1 : Math.floor(max);
  checkRange(low, high, where);
  for (const bound of [low, high]) {
    if (bound === null || Number.isSafeInteger(bound)) continue;
    throw schemaError(where, 'has a bound beyond 2^53', 'Leave the bound out.');
  }
  return integersIn({ min: low, max: high });
}

export function numberSchema(schema: JsonObject, where: string): Expression {
  if (schema['multipleOf'] !== undefined) {
    throw schemaError(
      where,
      'has "multipleOf", which cannot be kept',
      'Leave it out, or use "enum".',
    );
  }
  const range = bounds(schema, where);
  if (range.min === null && range.max === null) return anyNumber;
  checkRange(range.min, range.max, where);
  const isEmpty = range.min === range.max && (range.minExclusive || range.maxExclusive);
  if (isEmpty) throw emptyRange(range.min, range.max, where);
  for (const bound of [range.min, range.max]) {
    const isKept =
      bound === null || (Number.isInteger(bound) && Math.abs(bound) <= NUMBER_BOUND_MAX);
    if (isKept) continue;
    throw schemaError(
      where,
      `bounds a number by ${bound}`,
      `Use whole numbers up to ${NUMBER_BOUND_MAX} as bounds, or the type "integer".`,
    );
  }
  return numbersIn(range);
}

/** The stricter bound holds if it is given both ways. */
function bounds(schema: JsonObject, where: string): Bounds {
  const [min, above] = [bound(schema, 'minimum', where), bound(schema, 'exclusiveMinimum', where)];
  const [max, below] = [bound(schema, 'maximum', where), bound(schema, 'exclusiveMaximum', where)];
  const minExclusive = above !== null && (min === null || above >= min);
  const maxExclusive = below !== null && (max === null || below <= max);
  return {
    min: minExclusive ? above : min,
    max: maxExclusive ? below : max,
    minExclusive,
    maxExclusive,
  };
}

function bound(schema: JsonObject, keyword: string, where: string): number | null {
  const value = schema[keyword];
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw schemaError(where, `has a "${keyword}" that is not a number`, 'Give a number.');
}

function checkRange(min: number | null, max: number | null, where: string): void {
  if (min !== null && max !== null && min > max) throw emptyRange(min, max, where);
}

function emptyRange(min: number | null, max: number | null, where: string): Error {
  return schemaError(where, `allows no number from ${min} to ${max}`, 'Correct the bounds.');
}
