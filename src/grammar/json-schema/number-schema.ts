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
  if (least !== null && most !== null) {
    const order = compare(least.value, most.value);
    const isEmpty = order === 0 && (least.isExclusive || most.isExclusive);
    if (order > 0 || isEmpty)
      return empty(decimalText(least.value), decimalText(most.value), places);
  }
  const scale = Math.max(...bounds.map(({ value }) => value.scale));
  const width = Math.max(
    ...bounds.map(
      ({ value }) => decimalText({ units: floor(value), scale: 0 }).replace('-', '').length,
    ),
  );
  if (scale > SCALE_MAX || width > DIGIT_COUNT_MAX) {
    for (const { place, keyword } of bounds) converter.unkept(place, keyword);
    return anyNumber;
  }
  return numbersIn({
    min: least === null ? null : unitsAt(least.value, scale),
    max: most === null ? null : unitsAt(most.value, scale),
    minExclusive: least?.isExclusive ?? false,
    maxExclusive: most?.isExclusive ?? false,
    scale,
    moreDigits: Math.max(0, DOUBLE_DIGIT_COUNT - width - scale),
  });
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
    const step = decimalOf(place.schema, 'multipleOf', place.where);
    if (step === null) continue;
    if (step.units <= 0n) {
      const problem = 'has a "multipleOf" that is not above 0';
      throw schemaError(place.where, problem, 'Give a number above 0.');
    }
    if (isInteger && step.units === 1n) continue;
    const plain = result === anyNumber ? PLAIN_NUMBER : result;
    const kept =
      step.units <= STEP_MAX && step.scale <= SCALE_MAX
        ? intersection(plain, multiples(step))
        : null;
    if (kept === null) converter.unkept(place, 'multipleOf');
    else result = kept;
  }
  return result;
}

/** Without an exponent. */
const PLAIN_NUMBER: Expression = sequence(
  ANY_INTEGER,
  optional(sequence(text('.'), digits(1, DIGIT_COUNT_MAX))),
);

/** Digits whose number is a multiple: one state for each remainder and each place behind the point. */
function multiples({ units, scale }: Decimal): Expression {
  const size = Number(units);
  // 0 is the start, 1 comes behind the sign. Then, for each count of digits behind the point, the
  // remainders, and last the point itself.
  const number = (remainder: number, count: number): number => 2 + count * size + remainder;
  const atPoint = (remainder: number): number => 2 + (scale + 1) * size + remainder;
  const digitsFrom = (remainder: number, count: number): ByteState['byteEdges'] =>
    Array.from({ length: 10 }, (_, digit) => ({
      ranges: [{ first: 0x30 + digit, last: 0x30 + digit }],
      to: number((remainder * 10 + digit) % size, count),
    }));
  const edge = (character: string, to: number): ByteState['byteEdges'][number] => {
    const code = character.charCodeAt(0);
    return { ranges: [{ first: code, last: code }], to };
  };
  const states: ByteState[] = [
    { byteEdges: [...digitsFrom(0, 0), edge('-', 1)], isEnd: false },
    { byteEdges: digitsFrom(0, 0), isEnd: false },
  ];
  for (let count = 0; count <= scale; count += 1) {
    for (let remainder = 0; remainder < size; remainder += 1) {
      const shift = 10n ** BigInt(scale - count);
      const isEnd = (BigInt(remainder) * shift) % units === 0n;
      const more = count === 0 ? digitsFrom(remainder, 0) : [];
      const point = count === 0 && scale > 0 ? [edge('.', atPoint(remainder))] : [];
      const fraction = count > 0 && count < scale ? digitsFrom(remainder, count + 1) : [];
      states.push({ byteEdges: [...more, ...point, ...fraction], isEnd });
    }
  }
  if (scale > 0) {
    for (let remainder = 0; remainder < size; remainder += 1) {
      states.push({ byteEdges: digitsFrom(remainder, 1), isEnd: false });
    }
  }
  return { kind: 'automaton', states };
}
