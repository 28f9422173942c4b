/** Strings by length, pattern and format, alone or together. */
import { PilotfishError } from '../../core/errors.ts';
import { choice, type Expression, repeat, sequence, text } from '../expression.ts';
import { textContaining } from '../regular-expression.ts';
import { difference, intersection, wideStateCount } from '../regular-language.ts';
import { anyString, countedCharacter, insideString } from './json-values.ts';
import type { ObjectPlace } from './place.ts';
import type { SchemaConverter } from './schema-converter.ts';
import { countOf, isObject, type Json, schemaError } from './schema-keywords.ts';
import { CHECKED_FORMATS, formatLanguage } from './string-formats.ts';

/** Each length costs the engine a pass over the whole vocabulary, about 50 ms, once per grammar. */
export const COUNTED_LENGTH_MAX = 64;
/** The longest strings that are counted if a pattern or a format describes them as well. */
const COMBINED_LENGTH_MAX = 256;

interface Lengths {
  readonly min: number;
  readonly max: number | null;
  /** The keywords that say so, with their places. */
  readonly given: readonly { readonly place: ObjectPlace; readonly keyword: string }[];
}

export function stringOf(places: readonly ObjectPlace[], converter: SchemaConverter): Expression {
  const described = describedStrings(places, converter);
  const lengths = lengthsOf(places);
  const strings =
    described === null
      ? counted(lengths, converter)
      : quoted(withLengths(described, lengths, converter));
  return withoutValues(strings, places, converter);
}

/** The contents that the patterns and formats allow; null: there are none. */
function describedStrings(
  places: readonly ObjectPlace[],
  converter: SchemaConverter,
): Expression | null {
  let result: Expression | null = null;
  for (const { place, keyword, language } of languagesOf(places, converter)) {
    const inner = insideString(language);
    const both: Expression | null = result === null ? inner : intersection(result, inner);
    if (both === null) converter.unkept(place, keyword);
    else result = both;
  }
  return result;
}

interface Language {
  readonly place: ObjectPlace;
  readonly keyword: string;
  readonly language: Expression;
}

function languagesOf(
  places: readonly ObjectPlace[],
  converter: SchemaConverter,
): readonly Language[] {
  return places.flatMap((place): Language[] => {
    const [pattern, format] = [patternOf(place, converter), formatOf(place, converter)];
    return [
      ...(pattern === null ? [] : [{ place, keyword: 'pattern', language: pattern }]),
      ...(format === null ? [] : [{ place, keyword: 'format', language: format }]),
    ];
  });
}

function patternOf(place: ObjectPlace, converter: SchemaConverter): Expression | null {
  const { pattern } = place.schema;
  if (pattern === undefined) return null;
  if (typeof pattern !== 'string') {
    const problem = 'has a "pattern" that is not a string';
    throw schemaError(place.where, problem, 'Give a regular expression.');
  }
  return patternLanguage(pattern, place, 'pattern', converter);
}

/** Null: it is a regular expression that no grammar carries. */
export function patternLanguage(
  pattern: string,
  place: ObjectPlace,
  keyword: string,
  converter: SchemaConverter,
): Expression | null {
  try {
    return textContaining(pattern);
  } catch (error) {
    if (!isPattern(pattern) || !PilotfishError.isInstance(error)) throw error;
    converter.unkept(place, keyword);
    return null;
  }
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** Unknown formats do not constrain the string. */
function formatOf(place: ObjectPlace, converter: SchemaConverter): Expression | null {
  const { format } = place.schema;
  if (typeof format !== 'string') return null;
  if (CHECKED_FORMATS.includes(format)) converter.unkept(place, 'format');
  return formatLanguage(format);
}

function lengthsOf(places: readonly ObjectPlace[]): Lengths {
  let [min, max]: [number, number | null] = [0, null];
  const given = places.flatMap((place) => {
    const least = countOf(place.schema, 'minLength', 0, place.where);
    const most = countOf(place.schema, 'maxLength', null, place.where);
    min = Math.max(min, least);
    max = most === null ? max : Math.min(most, max ?? most);
    const keywords = [...(least > 0 ? ['minLength'] : []), ...(most === null ? [] : ['maxLength'])];
    return keywords.map((keyword) => ({ place, keyword }));
  });
  const [only, ...others] = places;
  if (only !== undefined && others.length === 0 && max !== null && max < min) {
    const problem = `allows no string of ${min} to ${max} characters`;
    throw schemaError(only.where, problem, 'Swap the lengths.');
  }
  return { min, max, given };
}

function withLengths(
  described: Expression,
  lengths: Lengths,
  converter: SchemaConverter,
): Expression {
  const { min, max, given } = lengths;
  if (given.length === 0) return described;
  if (Math.max(min, max ?? 0) <= COMBINED_LENGTH_MAX) {
    const length =
      max === null
        ? sequence(repeat(countedCharacter, min, min), repeat(countedCharacter, 0, null))
        : repeat(countedCharacter, min, Math.max(min, max));
    const both = max !== null && max < min ? choice() : intersection(described, length);
    if (both !== null && (isEmpty(both) || converter.affords(wideStateCount(both)))) return both;
  }
  for (const { place, keyword } of given) converter.unkept(place, keyword);
  return described;
}

function isEmpty(expression: Expression): boolean {
  return expression.kind === 'choice' && expression.options.length === 0;
}

function counted(lengths: Lengths, converter: SchemaConverter): Expression {
  const { min, max, given } = lengths;
  if (given.length === 0) return anyString;
  if (max !== null && max < min) return choice();
  if (min > COUNTED_LENGTH_MAX || (max !== null && max > COUNTED_LENGTH_MAX)) {
    for (const { place, keyword } of given) converter.unkept(place, keyword);
    return anyString;
  }
  const start = sequence(text('"'), repeat(countedCharacter, min, min));
  if (max !== null) return sequence(start, upTo(max - min, converter));
  return sequence(start, repeat(countedCharacter, 0, null), text('"'));
}

/**
 * At most `count` more characters, and the end of the string. There is one rule for each count, so
 * that strings of all lengths share them.
 */
function upTo(count: number, converter: SchemaConverter): Expression {
  if (count === 0) return text('"');
  return converter.named(`up-to-${count}`, () =>
    choice(text('"'), sequence(countedCharacter, upTo(count - 1, converter))),
  );
}

/** Without the strings that a `not` names. */
function withoutValues(
  strings: Expression,
  places: readonly ObjectPlace[],
  converter: SchemaConverter,
): Expression {
  let result = strings;
  for (const place of places) {
    const names = excludedValues(place).filter((value) => typeof value === 'string');
    if (names.length === 0) continue;
    const others = stringsExcept(result, names, converter);
    if (others === null) converter.unkept(place, 'not');
    else result = others;
  }
  return result;
}

/** The values of a `not` that only names values. */
export function excludedValues({ schema }: ObjectPlace): readonly Json[] {
  const { not } = schema;
  if (!isObject(not)) return [];
  if (not['const'] !== undefined) return [not['const']];
  return Array.isArray(not['enum']) ? not['enum'] : [];
}

/** Strings without some, each in its only spelling. Null: that would be too expensive. */
export function stringsExcept(
  strings: Expression,
  names: readonly string[],
  converter: SchemaConverter,
): Expression | null {
  const single = strings === anyString ? quoted(repeat(countedCharacter, 0, null)) : strings;
  const isCounted = hasRules(single);
  if (isCounted) return null;
  const others = difference(single, choice(...names.map((name) => text(JSON.stringify(name)))));
  const isAffordable = others !== null && converter.affords(wideStateCount(others));
  return isAffordable ? others : null;
}

function hasRules(expression: Expression): boolean {
  if (expression.kind === 'rule') return true;
  if (expression.kind === 'sequence') return expression.parts.some(hasRules);
  return expression.kind === 'choice' && expression.options.some(hasRules);
}

function quoted(content: Expression): Expression {
  return sequence(text('"'), content, text('"'));
}
