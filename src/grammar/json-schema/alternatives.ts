/** Keywords that amount to alternatives, written as `anyOf`. */
import { negation } from './negation.ts';
import { made, type ObjectPlace, type Place, reduced } from './place.ts';
import type { SchemaConverter } from './schema-converter.ts';
import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  schemaError,
  schemasByName,
  without,
} from './schema-keywords.ts';

/** The same constraint, without `if`, `not` (but of values) and dependencies. */
export function withAlternatives(place: ObjectPlace, converter: SchemaConverter): readonly Place[] {
  const { schema } = place;
  if (schema['not'] !== undefined && !namesValues(schema['not']))
    return notAsSchema(place, converter);
  if (schema['if'] !== undefined) return ifAsAlternatives(place);
  const keyword = DEPENDENCIES.find((name) => schema[name] !== undefined);
  return keyword === undefined ? [place] : dependenciesOf(place, keyword);
}

const DEPENDENCIES = ['dependentRequired', 'dependentSchemas', 'dependencies'];

function namesValues(schema: Json): boolean {
  return isObject(schema) && (schema['const'] !== undefined || schema['enum'] !== undefined);
}

function notAsSchema(place: ObjectPlace, converter: SchemaConverter): readonly Place[] {
  const { schema } = place;
  const rest = reduced(place, without(schema, 'not'), 'not');
  const opposite = negation(schema['not'] ?? null);
  if (opposite === null) converter.unkept(place, 'not');
  if (opposite === null || opposite === true) return [rest];
  return [rest, made(place, 'not', opposite)];
}

function ifAsAlternatives(place: ObjectPlace): readonly ObjectPlace[] {
  const { schema } = place;
  const condition = schema['if'] ?? true;
  const options = [
    { allOf: [condition, schema['then'] ?? true] },
    { allOf: [{ not: condition }, schema['else'] ?? true] },
  ];
  const rest = reduced(place, without(schema, 'if', 'then', 'else'), 'if');
  return [rest, made(place, 'if', { anyOf: options })];
}

/** Either the property is absent, or what it needs holds. */
function dependenciesOf(place: ObjectPlace, keyword: string): readonly ObjectPlace[] {
  const { schema, where } = place;
  const needs = Object.entries(schemasByName(schema, keyword, where));
  const each = needs.map(([name, need]) => {
    if (!isList(need) && !isObject(need) && typeof need !== 'boolean') {
      throw schemaError(where, `has a wrong "${keyword}"`, 'Give names or a schema by name.');
    }
    const needed: JsonObject = isList(need) ? { required: need } : { allOf: [need] };
    const present = { allOf: [{ required: [name] }, needed] };
    const options = { anyOf: [{ properties: { [name]: false } }, present] };
    return made(place, keyword, options, `${keyword} ${name}`);
  });
  return [reduced(place, without(schema, keyword), keyword), ...each];
}
