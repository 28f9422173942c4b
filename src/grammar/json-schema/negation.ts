/** The schema that allows exactly what another one does not, for the kinds that have one. */
import { CONSTRAINTS, isList, isObject, type Json, type JsonObject } from './schema-keywords.ts';

const TYPES = ['object', 'array', 'string', 'number', 'boolean', 'null'];

/** Null: there is none without "not". */
export function negation(schema: Json): Json | null {
  if (typeof schema === 'boolean') return !schema;
  if (!isObject(schema)) return null;
  const keywords = Object.keys(schema).filter((keyword) => CONSTRAINTS.has(keyword));
  const [only] = keywords;
  if (only === undefined) return false;
  if (keywords.length > 1 || ['properties', 'required', 'type'].includes(only)) {
    return ofObject(schema, keywords);
  }
  const value = schema[only] ?? null;
  if (only === 'not') return value;
  if (only === 'anyOf' && isList(value)) return { allOf: value.map((not) => ({ not })) };
  if (only === 'allOf' && isList(value)) return { anyOf: value.map((not) => ({ not })) };
  return null;
}

/** Of `type`, and of an object whose properties and required names are all that it says. */
function ofObject(schema: JsonObject, keywords: readonly string[]): Json | null {
  const { type, properties = {}, required = [] } = schema;
  const others = otherTypes(type);
  if (keywords.length === 1 && type !== undefined) return others;
  const isKnown = keywords.every((keyword) => ['type', 'properties', 'required'].includes(keyword));
  const isObjects = type === undefined || type === 'object';
  if (!isKnown || !isObjects || !isObject(properties) || !isList(required)) return null;
  const absent = required.flatMap((name): Json[] => {
    return typeof name === 'string' ? [{ type: 'object', properties: { [name]: false } }] : [];
  });
  const wrong = Object.entries(properties).map(
    ([name, not]): Json => ({ type: 'object', required: [name], properties: { [name]: { not } } }),
  );
  return {
    anyOf: [...(type === undefined || others === null ? [] : [others]), ...absent, ...wrong],
  };
}

function otherTypes(type: Json | undefined): Json | null {
  const names = isList(type) ? type : [type];
  // What is a number but no integer has no type.
  if (!names.every((name) => typeof name === 'string' && TYPES.includes(name))) return null;
  const others = TYPES.filter((name) => !names.includes(name));
  return others.length === 0 ? false : { type: others };
}
