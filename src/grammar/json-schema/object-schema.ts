/** Objects: declared properties in their order, then any others that are allowed. */
import { choice, EMPTY, type Expression, repeat, sequence, text } from '../expression.ts';
import { repeated } from './array-schema.ts';
import { anyString, bracketed, comma, insideString, pair } from './json-values.ts';
import { inside, type ObjectPlace, type Place } from './place.ts';
import type { SchemaConverter } from './schema-converter.ts';
import { countOf, namesOf, schemaError, schemasByName } from './schema-keywords.ts';
import { patternLanguage, stringsExcept } from './string-schema.ts';

interface Property {
  readonly member: Expression;
  readonly isRequired: boolean;
}

interface Counts {
  readonly min: number;
  readonly max: number | null;
}

export function objectOf(places: readonly ObjectPlace[], converter: SchemaConverter): Expression {
  const required = [
    ...new Set(places.flatMap(({ schema, where }) => namesOf(schema, 'required', where))),
  ];
  const declared = places.flatMap(({ schema, where }) =>
    Object.keys(schemasByName(schema, 'properties', where)),
  );
  const names = [...new Set([...declared, ...required])];
  const properties = names.map((name): Property => {
    const isRequired = required.includes(name);
    return { member: memberOf(name, isRequired, places, converter), isRequired };
  });
  const extra = extraMember(places, names, converter);
  const counts = countsOf(places, properties, extra !== null, converter);
  return bracketed('{', inOrder(properties, extra, counts, converter), '}');
}

/** A declared or required property. One that no value fits is never present. */
function memberOf(
  name: string,
  isRequired: boolean,
  places: readonly ObjectPlace[],
  converter: SchemaConverter,
): Expression {
  const values = places.flatMap((place) => valuesOf(name, place));
  const impossible = values.find(({ schema }) => schema === false);
  if (impossible !== undefined && isRequired && places.length === 1) {
    const problem = `allows nothing, yet "${name}" is required`;
    throw schemaError(impossible.where, problem, 'Declare the property.');
  }
  const isName = places.every((place) => {
    const { propertyNames } = place.schema;
    return (
      propertyNames === undefined ||
      converter.accepts(inside(place, propertyNames, 'propertyNames'), name)
    );
  });
  if (impossible !== undefined || !isName) return choice();
  return pair(text(JSON.stringify(name)), converter.convert(values));
}

/** The schemas that one place has for the value of a property. */
function valuesOf(name: string, place: ObjectPlace): readonly Place[] {
  const { schema, where } = place;
  const properties = schemasByName(schema, 'properties', where);
  const own = Object.hasOwn(properties, name)
    ? [inside(place, properties[name] ?? null, 'properties', name)]
    : [];
  const byPattern = Object.entries(schemasByName(schema, 'patternProperties', where))
    .filter(([pattern]) => matches(pattern, name, where))
    .map(([pattern, value]) => inside(place, value, 'patternProperties', pattern));
  const { additionalProperties } = schema;
  if (own.length + byPattern.length > 0 || additionalProperties === undefined) {
    return [...own, ...byPattern];
  }
  return [inside(place, additionalProperties, 'additionalProperties')];
}

function matches(pattern: string, name: string, where: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(name);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw schemaError(where, `has a wrong pattern of names: ${why}`, 'Correct it.');
  }
}

/** One property of another name; null: there are none. */
function extraMember(
  places: readonly ObjectPlace[],
  names: readonly string[],
  converter: SchemaConverter,
): Expression | null {
  // A name that matches a pattern has its schema, any other name the schema of additional ones.
  const patterned = places.filter((place) => {
    const patterns = Object.keys(schemasByName(place.schema, 'patternProperties', place.where));
    for (const pattern of patterns) matches(pattern, '', place.where);
    return patterns.length > 0;
  });
  const [only, ...others] = patterned;
  if (only !== undefined && others.length === 0 && places.length === 1) {
    const exact = patternMembers(only, names, converter);
    if (exact !== undefined) return exact;
  }
  const values = places.flatMap((place): Place[] => {
    const { additionalProperties } = place.schema;
    if (additionalProperties === undefined || patterned.includes(place)) return [];
    return [inside(place, additionalProperties, 'additionalProperties')];
  });
  if (values.some(({ schema }) => schema === false)) return null;
  for (const place of patterned) {
    converter.unkept(place, 'patternProperties');
    const more = place.schema['additionalProperties'] ?? true;
    if (more !== true) converter.unkept(place, 'additionalProperties');
  }
  const key = keyOf(places, names, converter);
  return key === null ? null : converter.shared(pair(key, converter.convert(values)));
}

/**
 * Members whose names match one pattern, where no others are allowed. Undefined: the patterns may
 * match one name together, or a declared one, so that this would not be exact.
 */
function patternMembers(
  place: ObjectPlace,
  names: readonly string[],
  converter: SchemaConverter,
): Expression | null | undefined {
  const { schema, where } = place;
  const [first, ...others] = Object.entries(schemasByName(schema, 'patternProperties', where));
  if (first === undefined || others.length > 0 || schema['additionalProperties'] !== false) return;
  if (schema['propertyNames'] !== undefined) return;
  const [pattern, value] = first;
  const language = patternLanguage(pattern, place, 'patternProperties', converter);
  if (language === null) return;
  const keys = sequence(text('"'), insideString(language), text('"'));
  const declared = names.filter((name) => matches(pattern, name, where));
  const key = declared.length === 0 ? keys : stringsExcept(keys, declared, converter);
  if (key === null || value === false) return value === false ? null : undefined;
  const values = [inside(place, value, 'patternProperties', pattern)];
  return converter.shared(pair(key, converter.convert(values)));
}

/** The names of undeclared properties, without the declared ones; null: there are none. */
function keyOf(
  places: readonly ObjectPlace[],
  names: readonly string[],
  converter: SchemaConverter,
): Expression | null {
  const limits = places.flatMap((place): Place[] => {
    const { propertyNames } = place.schema;
    return propertyNames === undefined ? [] : [inside(place, propertyNames, 'propertyNames')];
  });
  if (limits.some(({ schema }) => schema === false)) return null;
  const [limit] = limits;
  const isString: Place[] =
    limit === undefined ? [] : [{ ...limit, schema: { type: 'string' }, id: `${limit.id}?string` }];
  const any = limits.length === 0 ? anyString : converter.convert([...limits, ...isString]);
  if (names.length === 0) return any;
  const others = stringsExcept(any, names, converter);
  if (others !== null) return others;
  // A declared property might be written twice, the second time with any value.
  for (const place of places) {
    if (place.schema['properties'] !== undefined) converter.unkept(place, 'properties');
  }
  return any;
}

/** The counts that the members do not already keep; beyond what can be counted: unkept. */
function countsOf(
  places: readonly ObjectPlace[],
  properties: readonly Property[],
  hasExtras: boolean,
  converter: SchemaConverter,
): Counts {
  const requiredCount = properties.filter(({ isRequired }) => isRequired).length;
  const mostCount = hasExtras ? Number.POSITIVE_INFINITY : properties.length;
  const given = places.map((place) => givenCounts(place, places.length === 1 ? requiredCount : 0));
  const min = Math.max(...given.map(([least]) => least));
  const max = Math.min(...given.map(([, most]) => most));
  const largest = Math.max(min, Number.isFinite(max) ? max : 0);
  const isCounted = properties.length * largest <= COUNTED_MAX;
  for (const [index, place] of places.entries()) {
    const [least, most] = given[index] ?? [0, 0];
    // An undeclared name may be written twice, and is one property then.
    const isMissed = hasExtras || !isCounted;
    if (least > requiredCount && isMissed) converter.unkept(place, 'minProperties');
    if (most < mostCount && !isCounted) converter.unkept(place, 'maxProperties');
  }
  return {
    min: isCounted && min > requiredCount ? min : 0,
    max: isCounted && max < mostCount ? max : null,
  };
}
/** The most pairs of a property and a count. */
const COUNTED_MAX = 2000;

/** @param requiredCount the properties that there are in any case */
function givenCounts(
  { schema, where }: ObjectPlace,
  requiredCount: number,
): readonly [number, number] {
  const least = countOf(schema, 'minProperties', 0, where);
  const most = countOf(schema, 'maxProperties', Number.POSITIVE_INFINITY, where);
  const needed = Math.max(least, requiredCount);
  if (most >= needed) return [least, most];
  const problem = `allows no object of ${needed} to ${most} properties`;
  throw schemaError(where, problem, 'Correct the counts.');
}

/** The properties in order, with commas between those that are present, and the others at the end. */
function inOrder(
  properties: readonly Property[],
  extra: Expression | null,
  { min, max }: Counts,
  converter: SchemaConverter,
): Expression {
  // Without bounds it only matters whether there is an earlier property.
  const cap = Math.max(1, min, max === null ? 0 : max);
  const known = new Map<string, Expression>();
  const after = (index: number, count: number): Expression => {
    const key = `${index} ${count}`;
    const expression = known.get(key) ?? converter.shared(body(index, count));
    known.set(key, expression);
    return expression;
  };
  const body = (index: number, count: number): Expression => {
    const property = properties[index];
    if (property === undefined) return extras(extra, count, { min, max }, converter);
    const { member, isRequired } = property;
    const separator = count > 0 ? comma : EMPTY;
    const isFull = max !== null && count >= max;
    const present = isFull
      ? choice()
      : sequence(separator, member, after(index + 1, Math.min(cap, count + 1)));
    return isRequired ? present : choice(present, after(index + 1, count));
  };
  return after(0, 0);
}

function extras(
  extra: Expression | null,
  count: number,
  { min, max }: Counts,
  converter: SchemaConverter,
): Expression {
  const least = Math.max(0, min - count);
  if (extra === null || (max !== null && count >= max)) return least > 0 ? choice() : EMPTY;
  const most = max === null ? null : max - count;
  if (count > 0) return repeated(sequence(comma, extra), { min: least, max: most }, converter);
  const more = { min: Math.max(0, least - 1), max: most === null ? null : most - 1 };
  const some = sequence(extra, repeated(sequence(comma, extra), more, converter));
  return least > 0 ? some : repeat(some, 0, 1);
}
