/** Numbers and integers by their bounds and steps. */
import {
  type ByteState,
  choice,
  type Expression,
  oneOf,
  optional,
  sequence,
  text,
} from '../expression.ts';
import { intersection } from '../regular-language.ts';
import { compare, type Decimal, decimalOf, decimalText, floor, unitsAt } from './decimal.ts';
import { anyNumber, DIGIT_COUNT_MAX, digits } from './json-values.ts';
import { numbersIn } from './number-range.ts';
import type { ObjectPlace } from './place.ts';
import type { SchemaConverter } from './schema-converter.ts';
import { schemaError } from './schema-keywords.ts';

const ANY_INTEGER: Expression = sequence(
  optional(text('-')),
  choice(text('0'), sequence(oneOf('19'), digits(0, DIGIT_COUNT_MAX - 1))),
);
/** Numbers of so few digits are told apart by doubles. */
const DOUBLE_DIGIT_COUNT = 15;
/** Every remainder is a state of the automaton. */
const STEP_MAX = 256n;
/** The most digits of a bound behind the point. */
const SCALE_MAX = 20;

interface Bound {
  readonly value: Decimal;
  readonly isExclusive: boolean;
  readonly place: ObjectPlace;
  readonly keyword: string;
}

/** @param isInteger whether only integers are allowed */
export function numberOf(
  places: readonly ObjectPlace[],
  isInteger: boolean,
  converter: SchemaConverter,
): Expression {
  const least = strictest(places, ['minimum', 'exclusiveMinimum'], FORMAT_MINIMA, 1);
  const most = strictest(places, ['maximum', 'exclusiveMaximum'], FORMAT_MAXIMA, -1);
  const hasFormat = places.some(
    ({ schema }) => schema['format'] === 'int32' || schema['format'] === 'int64',
  );
  const inBounds =
    isInteger || hasFormat
      ? integers(least, most, places)
      : decimals(least, most, places, converter);
  return withSteps(inBounds, isInteger || hasFormat, places, converter);
}

/** The formats of OpenAPI for integers. */
const FORMAT_MINIMA: Readonly<Record<string, Decimal>> = {
  int32: { units: -(2n ** 31n), scale: 0 },
  int64: { units: -(2n ** 63n), scale: 0 },
};
const FORMAT_MAXIMA: Readonly<Record<string, Decimal>> = {
  int32: { units: 2n ** 31n - 1n, scale: 0 },
  int64: { units: 2n ** 63n - 1n, scale: 0 },
};

/** @param sign 1: the largest bound, -1: the smallest */
function strictest(
  places: readonly ObjectPlace[],
  keywords: readonly [string, string],
  formats: Readonly<Record<string, Decimal>>,
  sign: 1 | -1,
): Bound | null {
  const bounds = places.flatMap((place): Bound[] => {
    const { schema, where } = place;
    const given = keywords.flatMap((keyword, index): Bound[] => {
      const value = decimalOf(schema, keyword, where);
      return value === null ? [] : [{ value, isExclusive: index === 1, place, keyword }];
    });
    const { format } = schema;
    const known =
      typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : null;
    if (known === null || known === undefined) return given;
    return [...given, { value: known, isExclusive: false, place, keyword: 'format' }];
  });
  const ordered = bounds.sort((a, b) => {
    return sign * compare(b.value, a.value) || Number(b.isExclusive) - Number(a.isExclusive);
  });
  return ordered[0] ?? null;
}

function integers(
  least: Bound | null,
  most: Bound | null,
  places: readonly ObjectPlace[],
): Expression {
  if (least === null && most === null) return ANY_INTEGER;
  const min = least === null ? null : ceiling(least);
  const max = most === null ? null : below(most);
  if (min !== null && max !== null && min > max) return empty(String(min), String(max), places);
  return numbersIn({ min, max, minExclusive: false, maxExclusive: false, scale: 0, moreDigits: 0 });
}

function ceiling({ value, isExclusive }: Bound): bigint {
  const down = floor(value);
  return value.scale > 0 || isExclusive ? down + 1n : down;
}

function below({ value, isExclusive }: Bound): bigint {
  const down = floor(value);
  return value.scale === 0 && isExclusive ? down - 1n : down;
}

function decimals(
  least: Bound | null,
  most: Bound | null,
  places: readonly ObjectPlace[],
  converter: SchemaConverter,
): Expression {
  const bounds = [least, most].filter((bound) => bound !== null);
  if (bounds.length === 0) return anyNumber;
  if (least !== null && most !== null && excludeEachOther(least, most)) {
    return empty(decimalText(least.value), decimalText(most.value), places);
  }
  const scale = Math.max(...bounds.map(({ value }) => value.scale));
  const width = Math.max(...bounds.map(({ value }) => wholeDigitCount(value)));
  if (scale > SCALE_MAX || width > DIGIT_COUNT_MAX) {
    for (const { place, keyword } of bounds) converter.unkept(place, keyword);
    return anyNumber;
  }
  const units = (bound: Bound | null): bigint | null =>
    bound === null ? null : unitsAt(bound.value, scale);
  return numbersIn({
    min: units(least),
    max: units(most),
    minExclusive: least?.isExclusive === true,
    maxExclusive: most?.isExclusive === true,
    scale,
    moreDigits: Math.max(0, DOUBLE_DIGIT_COUNT - width - scale),
  });
}

function excludeEachOther(least: Bound, most: Bound): boolean {
  const order = compare(least.value, most.value);
  return order > 0 || (order === 0 && (least.isExclusive || most.isExclusive));
}

function wholeDigitCount(value: Decimal): number {
  return String(floor(value)).replace('-', '').length;
}

/** One schema with such bounds is a mistake. Several together may exclude each other. */
function empty(min: string, max: string, places: readonly ObjectPlace[]): Expression {
  const [only, ...others] = places;
  if (only === undefined || others.length > 0) return choice();
  throw schemaError(only.where, `allows no number from ${min} to ${max}`, 'Correct the bounds.');
}

function withSteps(
  numbers: Expression,
  isInteger: boolean,
  places: readonly ObjectPlace[],
  converter: SchemaConverter,
): Expression {
  let result = numbers;
  for (const place of places) {
    const step = stepOf(place);
    if (step === null || (isInteger && step.units === 1n)) continue;
    const kept = multiplesAmong(result, step);
    if (kept === null) converter.unkept(place, 'multipleOf');
    else result = kept;
  }
  return result;
}

function stepOf({ schema, where }: ObjectPlace): Decimal | null {
  const step = decimalOf(schema, 'multipleOf', where);
  if (step === null || step.units > 0n) return step;
  throw schemaError(where, 'has a "multipleOf" that is not above 0', 'Give a number above 0.');
}

/** Null: that would take too many states. */
function multiplesAmong(numbers: Expression, step: Decimal): Expression | null {
  if (step.units > STEP_MAX || step.scale > SCALE_MAX) return null;
  return intersection(numbers === anyNumber ? PLAIN_NUMBER : numbers, multiples(step));
}

/** Without an exponent. */
const PLAIN_NUMBER: Expression = sequence(
  ANY_INTEGER,
  optional(sequence(text('.'), digits(1, DIGIT_COUNT_MAX))),
);

/**
 * Digits whose number is a multiple: a state for each remainder and each count of digits behind the
 * point. State 0 is the start, 1 comes behind the sign; then, for each count, the remainders; last the
 * point itself, behind each remainder.
 */
function multiples({ units, scale }: Decimal): Expression {
  const size = Number(units);
  const remainders = Array.from({ length: size }, (_, remainder) => remainder);
  const digitsFrom = (remainder: number, count: number): ByteState['byteEdges'] =>
    Array.from({ length: 10 }, (_, digit) => {
      const to = 2 + count * size + ((remainder * 10 + digit) % size);
      return { ranges: [{ first: 0x30 + digit, last: 0x30 + digit }], to };
    });
  const atPoint = (remainder: number): ByteState['byteEdges'] =>
    scale === 0 ? [] : [edge('.', 2 + (scale + 1) * size + remainder)];
  const isEnd = (remainder: number, count: number): boolean =>
    (BigInt(remainder) * 10n ** BigInt(scale - count)) % units === 0n;
  const fractions = Array.from({ length: scale }, (_, index) => index + 1).flatMap((count) =>
    remainders.map((remainder) => ({
      byteEdges: count < scale ? digitsFrom(remainder, count + 1) : [],
      isEnd: isEnd(remainder, count),
    })),
  );
  const points = scale === 0 ? [] : remainders;
  return {
    kind: 'automaton',
    states: [
      { byteEdges: [...digitsFrom(0, 0), edge('-', 1)], isEnd: false },
      { byteEdges: digitsFrom(0, 0), isEnd: false },
      ...remainders.map((remainder) => ({
        byteEdges: [...digitsFrom(remainder, 0), ...atPoint(remainder)],
        isEnd: isEnd(remainder, 0),
      })),
      ...fractions,
      ...points.map((remainder) => ({ byteEdges: digitsFrom(remainder, 1), isEnd: false })),
    ],
  };
}

function edge(character: string, to: number): ByteState['byteEdges'][number] {
  const code = character.charCodeAt(0);
  return { ranges: [{ first: code, last: code }], to };
}
