/** Arrays: a fixed beginning (`prefixItems`), then items of one schema. */
import { choice, EMPTY, type Expression, optional, repeat, sequence } from '../expression.ts';
import { anyValue, bracketed, comma } from './json-values.ts';
import { inside, type ObjectPlace, type Place } from './place.ts';
import type { SchemaConverter } from './schema-converter.ts';
import { countOf, isList, type Json, schemaError } from './schema-keywords.ts';

/** Longer repetitions are built of halves. */
const WRITTEN_OUT_MAX = 16;

export function arrayOf(places: readonly ObjectPlace[], converter: SchemaConverter): Expression {
  for (const place of places) noteUnkept(place, converter);
  const first = places.map((place) => prefixOf(place));
  const prefixLength = Math.max(...first.map((prefix) => prefix.length));
  const { min, max } = itemCounts(places, first);
  const itemAt = (index: number): readonly Place[] =>
    places.flatMap((place, at): Place[] => {
      const own = first[at]?.[index];
      if (own !== undefined) return [inside(place, own, 'prefixItems', index)];
      const { items } = place.schema;
      return items === undefined ? [] : [inside(place, items, 'items')];
    });
  if (max !== null && max < min) return choice();
  const fixedCount = Math.min(prefixLength, max ?? prefixLength);
  const fixed = Array.from({ length: fixedCount }, (_, index) => converter.convert(itemAt(index)));
  const rest = max === fixedCount ? null : itemAt(prefixLength);
  const item = rest === null ? anyValue : converter.shared(converter.convert(rest));
  const more = { min: Math.max(0, min - fixedCount), max: max === null ? null : max - fixedCount };
  return bracketed('[', elements(fixed, min, item, more, converter), ']');
}

interface Counts {
  readonly min: number;
  readonly max: number | null;
}

/** The fixed items, of which those behind `min` may be left out, and then the others. */
function elements(
  fixed: readonly Expression[],
  min: number,
  item: Expression,
  more: Counts,
  converter: SchemaConverter,
): Expression {
  const [head, ...tail] = fixed;
  if (head === undefined) return listed(item, more, converter);
  let rest = repeated(sequence(comma, item), more, converter);
  for (const [index, next] of [...tail.entries()].reverse()) {
    const some = sequence(comma, next, rest);
    rest = index + 1 < min ? some : optional(some);
  }
  const all = sequence(head, rest);
  return min > 0 ? all : optional(all);
}

function listed(item: Expression, { min, max }: Counts, converter: SchemaConverter): Expression {
  if (max === 0) return EMPTY;
  const more = { min: Math.max(0, min - 1), max: max === null ? null : max - 1 };
  const some = sequence(item, repeated(sequence(comma, item), more, converter));
  return min === 0 ? optional(some) : some;
}

/** A repetition in which the number of rules grows as the logarithm of the counts. */
export function repeated(
  unit: Expression,
  { min, max }: Counts,
  converter: SchemaConverter,
): Expression {
  if (Math.max(min, max ?? 0) <= WRITTEN_OUT_MAX) return repeat(unit, min, max);
  const one = converter.shared(unit);
  const known = new Map<string, Expression>();
  const once = (name: string, body: () => Expression): Expression => {
    const expression = known.get(name) ?? converter.shared(body());
    known.set(name, expression);
    return expression;
  };
  const exactly = (count: number): Expression => {
    if (count <= WRITTEN_OUT_MAX) return repeat(one, count, count);
    const half = Math.floor(count / 2);
    return once(`exactly ${count}`, () => sequence(exactly(half), exactly(count - half)));
  };
  // Fewer than a power of two, or that many and the rest.
  const upTo = (count: number): Expression => {
    if (count <= WRITTEN_OUT_MAX) return repeat(one, 0, count);
    const power = 2 ** Math.floor(Math.log2(count));
    return once(`up to ${count}`, () =>
      choice(upTo(power - 1), sequence(exactly(power), upTo(count - power))),
    );
  };
  return sequence(exactly(min), max === null ? repeat(one, 0, null) : upTo(max - min));
}

function prefixOf({ schema, where }: ObjectPlace): readonly Json[] {
  const prefix = schema['prefixItems'] ?? [];
  if (!isList(schema['items']) && isList(prefix)) return prefix;
  throw schemaError(where, 'lists items one by one in an unknown way', 'Use "prefixItems".');
}

function itemCounts(
  places: readonly ObjectPlace[],
  prefixes: readonly (readonly Json[])[],
): Counts {
  let [min, max]: [number, number | null] = [0, null];
  for (const [index, { schema, where }] of places.entries()) {
    const least = countOf(schema, 'minItems', 0, where);
    const prefix = prefixes[index] ?? [];
    const never = prefix.indexOf(false);
    const ends = [
      countOf(schema, 'maxItems', Number.POSITIVE_INFINITY, where),
      schema['items'] === false ? prefix.length : Number.POSITIVE_INFINITY,
      never < 0 ? Number.POSITIVE_INFINITY : never,
    ];
    const most = Math.min(...ends);
    if (places.length === 1 && most < least) {
      throw schemaError(where, 'allows too few items', 'Lower "minItems".');
    }
    min = Math.max(min, least);
    if (Number.isFinite(most)) max = Math.min(most, max ?? most);
  }
  return { min, max };
}

function noteUnkept(place: ObjectPlace, converter: SchemaConverter): void {
  const { schema, where } = place;
  const max = countOf(schema, 'maxItems', null, where);
  if (schema['uniqueItems'] === true && (max === null || max > 1)) {
    converter.unkept(place, 'uniqueItems');
  }
  if (schema['unevaluatedItems'] !== undefined && schema['unevaluatedItems'] !== true) {
    converter.unkept(place, 'unevaluatedItems');
  }
  if (schema['contains'] === undefined) return;
  if (countOf(schema, 'minContains', 1, where) > 0) converter.unkept(place, 'contains');
  if (countOf(schema, 'maxContains', null, where) !== null) converter.unkept(place, 'maxContains');
}
