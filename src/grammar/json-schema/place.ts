/**
 * A schema and its place in the whole one. Some are made from a keyword: `if`, `then` and `else`, for
 * example, become two alternatives.
 */
import type { Json, JsonObject } from './schema-keywords.ts';

export interface Place<S extends Json = Json> {
  readonly schema: S;
  /** A JSON pointer; of a schema that was made, the place that it was made from. */
  readonly where: string;
  /** Different for different schemas. */
  readonly id: string;
  /** The keyword that the schema was made from. */
  readonly keyword?: string;
  /** The levels since the root or the last reference. */
  readonly depth: number;
}

export type ObjectPlace = Place<JsonObject>;

export function placeAt(schema: Json, pointer: string): Place {
  return { schema, where: pointer, id: pointer, depth: 0 };
}

/** A schema inside another one. */
export function inside<S extends Json>(
  outer: Place,
  schema: S,
  ...steps: readonly (string | number)[]
): Place<S> {
  const path = steps
    .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
  const depth = outer.depth + 1;
  if (outer.keyword !== undefined) return { ...outer, schema, id: outer.id + path, depth };
  return { schema, where: outer.where + path, id: outer.where + path, depth };
}

/** The same place with fewer keywords. */
export function reduced(place: ObjectPlace, schema: JsonObject, left: string): ObjectPlace {
  return { ...place, schema, id: `${place.id}-${left}` };
}

/** A schema that stands for a keyword. */
export function made<S extends Json>(
  from: ObjectPlace,
  keyword: string,
  schema: S,
  name: string = keyword,
): Place<S> {
  const { where, id, depth } = from;
  return { schema, where, id: `${id}?${name}`, keyword: from.keyword ?? keyword, depth };
}
