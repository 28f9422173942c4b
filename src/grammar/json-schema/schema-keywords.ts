/**
 * The keywords of JSON Schema (2020-12): those that are kept, those that do not constrain values, and
 * those that are refused. No keyword that constrains a value is ignored.
 */
import { grammarError } from '../grammar-error.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export type SchemaType = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';

/** The keywords that apply to values of one type. */
export const KEYWORDS_OF_TYPE: Readonly<Record<SchemaType, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'],
  string: ['minLength', 'maxLength', 'pattern'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  boolean: [],
  null: [],
};

/** Each of these keywords defines the value alone. Beside another constraint it is refused. */
export const WHOLE_KEYWORDS = ['$ref', 'enum', 'const', 'anyOf', 'oneOf', 'allOf'] as const;

const REFUSED: ReadonlySet<string> = new Set([
  ...['not', 'if', 'then', 'else', 'contains', 'minContains', 'maxContains', 'propertyNames'],
  ...['patternProperties', 'dependentRequired', 'dependentSchemas', 'dependencies'],
  ...['unevaluatedItems', 'unevaluatedProperties', 'additionalItems'],
  ...['$dynamicRef', '$recursiveRef', '$anchor', '$dynamicAnchor'],
]);

const CONSTRAINTS: ReadonlySet<string> = new Set([
  ...['type', ...WHOLE_KEYWORDS],
  ...Object.values(KEYWORDS_OF_TYPE).flat(),
]);

/** The keywords of a schema that constrain its values. @throws PilotfishError `grammar-invalid` */
export function constraintsOf(schema: JsonObject, where: string): readonly string[] {
  const keywords = Object.keys(schema);
  const refused = keywords.find((keyword) => REFUSED.has(keyword));
  if (refused !== undefined) {
    throw schemaError(where, `has "${refused}", which cannot be kept`, 'Leave it out.');
  }
  checkIdentity(schema, where);
  return keywords.filter((keyword) => CONSTRAINTS.has(keyword));
}

/** Below the root, `$id` changes the meaning of every `$ref` inside. @throws PilotfishError */
export function checkIdentity(schema: JsonObject, where: string): void {
  if (where === '#' || schema['$id'] === undefined) return;
  throw schemaError(where, 'has "$id", which is only known at the root', 'Leave it out.');
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
