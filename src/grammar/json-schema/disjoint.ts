/** Whether two schemas have no value in common, for `oneOf`. Only easy cases are recognised. */
import { isList, isObject, type Json, type JsonObject } from './schema-keywords.ts';

/** @param resolve follows `$ref`; null if it leads to no schema */
export function areDisjoint(a: Json, b: Json, resolve: (reference: Json) => Json | null): boolean {
  const [left, right] = [followed(a, resolve), followed(b, resolve)];
  if (!isObject(left) || !isObject(right)) return false;
  const [values, others] = [valuesOf(left), valuesOf(right)];
  if (values !== null && others !== null) {
    const texts = new Set(values.map((value) => JSON.stringify(value)));
    return !others.some((value) => texts.has(JSON.stringify(value))) && values.every(isPlain);
  }
  const [types, otherTypes] = [typesOf(left), typesOf(right)];
  if (types === null || otherTypes === null) return false;
  if (![...types].some((type) => otherTypes.has(type))) return true;
  return haveOtherMark(left, right, resolve);
}

/** Whether both are objects that require a property with disjoint values. */
function haveOtherMark(
  a: JsonObject,
  b: JsonObject,
  resolve: (reference: Json) => Json | null,
): boolean {
  if (a['type'] !== 'object' || b['type'] !== 'object') return false;
  const [required, others] = [a['required'], b['required']];
  const [properties, otherProperties] = [a['properties'], b['properties']];
  if (!isList(required) || !isList(others)) return false;
  if (!isObject(properties) || !isObject(otherProperties)) return false;
  return required.some((name) => {
    if (typeof name !== 'string' || !others.includes(name)) return false;
    const [mine, theirs] = [properties[name], otherProperties[name]];
    const areMarks = isObject(mine) && isObject(theirs);
    return areMarks && valuesOf(mine) !== null && areDisjoint(mine, theirs, resolve);
  });
}

function followed(schema: Json, resolve: (reference: Json) => Json | null): Json | null {
  const reference = isObject(schema) ? schema['$ref'] : undefined;
  return reference === undefined ? schema : resolve(reference);
}

function valuesOf(schema: JsonObject): readonly Json[] | null {
  if (schema['const'] !== undefined) return [schema['const']];
  return isList(schema['enum']) ? schema['enum'] : null;
}

/** Whether the value has only one text, so that texts can be compared. */
function isPlain(value: Json): boolean {
  return typeof value !== 'object' || value === null;
}

/** The types of a schema, with integers as numbers. */
function typesOf(schema: JsonObject): ReadonlySet<string> | null {
  const { type } = schema;
  const named = isList(type) ? type : [type];
  const fromValues = valuesOf(schema)?.map((value) => typeName(value));
  const types = type === undefined ? fromValues : named;
  if (types === undefined || !types.every((name) => typeof name === 'string')) return null;
  return new Set(types.map((name) => (name === 'integer' ? 'number' : name)));
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
