/**
 * The keywords of JSON Schema (2020-12), by what a grammar does with them. No keyword that constrains
 * a value is ignored.
 */
import { LosslessNumber } from 'lossless-json';
import { grammarError } from '../grammar-error.ts';

/** A number that a double cannot hold stays a text. */
export type Json = null | boolean | number | LosslessNumber | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export type SchemaType = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';

const NUMBER_KEYWORDS = [
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
];

/** The keywords that apply to values of one type. */
export const KEYWORDS_OF_TYPE: Readonly<Record<SchemaType, readonly string[]>> = {
  object: [
    ...['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
    ...['patternProperties', 'propertyNames', 'unevaluatedProperties'],
    ...['dependentRequired', 'dependentSchemas', 'dependencies'],
  ],
  array: [
    ...['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'],
    ...['contains', 'minContains', 'maxContains', 'unevaluatedItems'],
  ],
  string: ['minLength', 'maxLength', 'pattern'],
  number: NUMBER_KEYWORDS,
  integer: NUMBER_KEYWORDS,
  boolean: [],
  null: [],
};

/** The keywords that combine schemas or name values. */
const COMBINING = [
  ...['$ref', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', 'not', 'if', 'then', 'else'],
];

/** They change the meaning of references or of other keywords in ways that no reader here follows. */
export const REFUSED_KEYWORDS: readonly string[] = [
  ...['$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor', 'additionalItems'],
];

export const CONSTRAINTS: ReadonlySet<string> = new Set([
  ...['type', 'format', ...COMBINING],
  ...Object.values(KEYWORDS_OF_TYPE).flat(),
]);

/** Whether a schema constrains its values. @throws PilotfishError `grammar-invalid` */
export function constrains(schema: JsonObject, where: string): boolean {
  const keywords = Object.keys(schema);
  const refused = keywords.find((keyword) => REFUSED_KEYWORDS.includes(keyword));
  if (refused !== undefined) {
    throw schemaError(where, `has "${refused}", which cannot be kept`, 'Leave it out.');
  }
  checkIdentity(schema, where);
  return keywords.some((keyword) => CONSTRAINTS.has(keyword));
}

/** Below the root, `$id` changes the meaning of every `$ref` inside. @throws PilotfishError */
export function checkIdentity(schema: JsonObject, where: string): void {
  if (where === '#' || schema['$id'] === undefined) return;
  throw schemaError(where, 'has "$id", which is only known at the root', 'Leave it out.');
}

export function isObject(value: Json | undefined): value is JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof LosslessNumber)
  );
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** @param where a JSON pointer into the schema; the root is # */
export function schemaError(where: string, problem: string, remedy: string): Error {
  return grammarError(`The JSON schema at ${where} ${problem}.`, remedy);
}

/**
 * An integer from 0 up, or `none` if the keyword is absent. @throws PilotfishError `grammar-invalid`
 */
export function countOf<T>(
  schema: JsonObject,
  keyword: string,
  none: T,
  where: string,
): number | T {
  const value = schema[keyword];
  if (value === undefined) return none;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw schemaError(
    where,
    `has a "${keyword}" that is not a count`,
    'Give a whole number from 0 up.',
  );
}

/** A list with at least one value. @throws PilotfishError `grammar-invalid` */
export function listOf(schema: JsonObject, keyword: string, where: string): readonly Json[] {
  const list = schema[keyword];
  if (isList(list) && list.length > 0) return list;
  throw schemaError(where, `has a "${keyword}" that is not a list of values`, 'Give at least one.');
}

/** An object of schemas by name; absent: empty. @throws PilotfishError `grammar-invalid` */
export function schemasByName(schema: JsonObject, keyword: string, where: string): JsonObject {
  const value = schema[keyword] ?? {};
  if (isObject(value)) return value;
  const problem = `has a "${keyword}" that is not an object`;
  throw schemaError(where, problem, 'Give schemas by name.');
}

/** A list of different names; absent: empty. @throws PilotfishError `grammar-invalid` */
export function namesOf(schema: JsonObject, keyword: string, where: string): readonly string[] {
  const names: Json = schema[keyword] ?? [];
  if (isList(names) && names.every((name) => typeof name === 'string')) {
    return [...new Set(names as readonly string[])];
  }
  const problem = `has a "${keyword}" that is not a list of names`;
  throw schemaError(where, problem, 'Give a list of names.');
}

/** A copy without some keywords. */
export function without(schema: JsonObject, ...keywords: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !keywords.includes(key)));
}
