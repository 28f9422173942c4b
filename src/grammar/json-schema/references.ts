/** References inside a schema, and `allOf`: both add schemas to a place. */
import { grammarError } from '../grammar-error.ts';
import { inside, type ObjectPlace, type Place, placeAt, reduced } from './place.ts';
import {
  checkIdentity,
  constrains,
  isList,
  isObject,
  type Json,
  type JsonObject,
  listOf,
  schemaError,
  without,
} from './schema-keywords.ts';

export class References {
  readonly #root: Json;

  constructor(root: Json) {
    this.#root = root;
  }

  /**
   * The same constraints as schemas without `$ref` and `allOf`; null: nothing is allowed.
   * @throws PilotfishError `grammar-invalid`
   */
  simple(places: readonly Place[]): readonly ObjectPlace[] | null {
    const simple = new Map<string, ObjectPlace>();
    const isPossible = places.every((place) => this.#add(place, [], simple));
    return isPossible ? [...simple.values()] : null;
  }

  /** @param path the ids of the schemas that led here */
  #add(place: Place, path: readonly string[], simple: Map<string, ObjectPlace>): boolean {
    const { schema, where, id } = place;
    if (typeof schema === 'boolean') return schema;
    if (!isObject(schema)) {
      const problem = 'is neither an object nor true';
      throw schemaError(where, problem, 'Give an object that describes the value.');
    }
    if (path.includes(id)) {
      throw schemaError(where, 'goes on without end: it refers to itself', 'Correct the "$ref".');
    }
    const objectPlace = { ...place, schema };
    const rest = without(schema, '$ref', 'allOf');
    const isWhole = Object.keys(rest).length === Object.keys(schema).length;
    const kept = isWhole ? objectPlace : reduced(objectPlace, rest, 'references');
    if (constrains(rest, where)) simple.set(kept.id, kept);
    const more = this.#referred(objectPlace);
    return more.every((other) => this.#add(other, [...path, id], simple));
  }

  #referred(place: ObjectPlace): readonly Place[] {
    const { schema, where } = place;
    const reference = schema['$ref'];
    const target = reference === undefined ? [] : [this.#required(reference, where)];
    if (schema['allOf'] === undefined) return target;
    const all = listOf(schema, 'allOf', where);
    return [...target, ...all.map((part, index) => inside(place, part, 'allOf', index))];
  }

  #required(reference: Json, where: string): Place {
    const target = this.target(reference);
    if (target !== null) return target;
    const problem = `refers to ${JSON.stringify(reference)}, which is not in this schema`;
    throw schemaError(where, problem, 'Use "$ref" with a pointer like "#/$defs/name".');
  }

  /** The target of a local JSON pointer or anchor, or null. */
  target(reference: Json): Place | null {
    if (typeof reference !== 'string' || !reference.startsWith('#')) return null;
    if (/^#(\/|$)/.test(reference)) return this.#atPointer(reference);
    return anchored(this.#root, reference.slice(1), '#');
  }

  #atPointer(pointer: string): Place | null {
    let target: Json = this.#root;
    let where = '#';
    for (const step of pointer.split('/').slice(1)) {
      const key = unescaped(step);
      const isHere = typeof target === 'object' && target !== null && Object.hasOwn(target, key);
      if (!isHere) return null;
      target = (target as JsonObject)[key] ?? null;
      where += `/${step}`;
      // A property may also have this name. As a keyword its value is a text.
      if (isObject(target) && typeof target['$id'] === 'string') checkIdentity(target, where);
    }
    return placeAt(target, where);
  }
}

/** The schema with an `$anchor`. */
function anchored(schema: Json, name: string, where: string): Place | null {
  if (isObject(schema) && schema['$anchor'] === name) return placeAt(schema, where);
  const entries = isList(schema)
    ? schema.entries()
    : isObject(schema)
      ? Object.entries(schema)
      : [];
  for (const [key, value] of entries) {
    const escaped = String(key).replaceAll('~', '~0').replaceAll('/', '~1');
    const found = anchored(value, name, `${where}/${escaped}`);
    if (found !== null) return found;
  }
  return null;
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    throw grammarError(`"${step}" is not a step of a JSON pointer.`, 'Correct the "$ref".');
  }
}
