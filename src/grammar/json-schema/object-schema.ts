/** Objects: declared properties in their order, or any names with values of one schema. */
import { choice, EMPTY, type Expression, sequence, text } from '../expression.ts';
import { anyString, anyValue, bracketed, comma, list, pair } from './json-values.ts';
import type { SchemaConverter } from './schema-converter.ts';
import {
  countOf,
  isList,
  isObject,
  type Json,
  type JsonObject,
  schemaError,
} from './schema-keywords.ts';

interface Property {
  readonly member: Expression;
  readonly isRequired: boolean;
}

export function objectOf(
  schema: JsonObject,
  where: string,
  converter: SchemaConverter,
): Expression {
  const properties = schema['properties'] ?? {};
  if (!isObject(properties)) {
    throw schemaError(where, 'has a "properties" that is not an object', 'Give schemas by name.');
  }
  const required = requiredNames(schema, where);
  const additional = schema['additionalProperties'] ?? true;
  const names = [...new Set([...Object.keys(properties), ...required])];
  if (names.length === 0) return map(schema, additional, where, converter);
  checkCounts(schema, names.length, required.length, where);
  const members = names.map((name): Property => {
    const declared = Object.hasOwn(properties, name);
    const value = declared ? (properties[name] ?? null) : additional;
    const at = declared ? `${where}/properties/${name}` : `${where}/additionalProperties`;
    const isRequired = required.includes(name);
    // An optional property that matches nothing is never present.
    if (value === false && !isRequired) return { member: choice(), isRequired };
    return { member: pair(text(JSON.stringify(name)), converter.convert(value, at)), isRequired };
  });
  return bracketed('{', inOrder(members, converter), '}');
}

function requiredNames(schema: JsonObject, where: string): readonly string[] {
  const required: Json = schema['required'] ?? [];
  if (isList(required) && required.every((name) => typeof name === 'string')) {
    return [...new Set(required as readonly string[])];
  }
  throw schemaError(where, 'has a "required" that is not a list of names', 'Give a list of names.');
}

/**
 * An object with any names. A name may occur twice, so a minimum number of properties cannot be
 * promised.
 */
function map(
  schema: JsonObject,
  additional: Json,
  where: string,
  converter: SchemaConverter,
): Expression {
  const max = countOf(schema, 'maxProperties', null, where);
  if (countOf(schema, 'minProperties', 0, where) > 0) {
    const problem = 'has "minProperties" without declared properties, which cannot be kept';
    throw schemaError(where, problem, 'Declare the properties, and which are "required".');
  }
  if (additional === false || max === 0) return bracketed('{', EMPTY, '}');
  const value =
    additional === true
      ? anyValue
      : converter.shared(converter.convert(additional, `${where}/additionalProperties`));
  return bracketed('{', list(pair(anyString, value), 0, max), '}');
}

function checkCounts(schema: JsonObject, most: number, least: number, where: string): void {
  const min = countOf(schema, 'minProperties', 0, where);
  const max = countOf(schema, 'maxProperties', most, where);
  if (min <= least && max >= most) return;
  throw schemaError(
    where,
    `has a number of properties that cannot be kept (${min} to ${max})`,
    'Say which properties are "required" instead.',
  );
}

/** The properties in order, with commas between those that are present. */
function inOrder(properties: readonly Property[], converter: SchemaConverter): Expression {
  // From the last property to the first: the texts that may follow, after an earlier property and
  // without one.
  let afterSome: Expression = EMPTY;
  let afterNone: Expression = EMPTY;
  for (const { member, isRequired } of [...properties].reverse()) {
    const next = sequence(comma, member, afterSome);
    const first = sequence(member, afterSome);
    const [some, none] = isRequired
      ? [next, first]
      : [choice(next, afterSome), choice(first, afterNone)];
    afterSome = converter.shared(some);
    afterNone = converter.shared(none);
  }
  return afterNone;
}
