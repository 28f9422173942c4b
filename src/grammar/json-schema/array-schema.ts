/** Arrays: a fixed beginning (`prefixItems`), then items of one schema. */
import { EMPTY, type Expression, repeat, sequence } from '../expression.ts';
import { anyValue, bracketed, comma, list } from './json-values.ts';
import type { SchemaConverter } from './schema-converter.ts';
import { countOf, isList, type JsonObject, schemaError } from './schema-keywords.ts';

export function arrayOf(schema: JsonObject, where: string, converter: SchemaConverter): Expression {
  const { items } = schema;
  const prefix = schema['prefixItems'] ?? [];
  if (isList(items) || !isList(prefix)) {
    throw schemaError(where, 'lists items one by one in an unknown way', 'Use "prefixItems".');
  }
  const min = countOf(schema, 'minItems', 0, where);
  const max = countOf(schema, 'maxItems', null, where);
  const most = Math.min(max ?? Infinity, items === false ? prefix.length : Infinity);
  if (most < min) throw schemaError(where, 'allows too few items', 'Lower "minItems".');
  const unique = schema['uniqueItems'] === true && (max === null || max > 1);
  if (unique) throw schemaError(where, 'has "uniqueItems", which cannot be kept', 'Leave it out.');
  const first = prefix
    .slice(0, max ?? prefix.length)
    .map((item, index) => converter.convert(item, `${where}/prefixItems/${index}`));
  const restMax = max === null ? null : max - first.length;
  if (items === false || restMax === 0) return bracketed('[', joined(first), ']');
  const item =
    items === undefined ? anyValue : converter.shared(converter.convert(items, `${where}/items`));
  const restMin = Math.max(0, min - first.length);
  if (first.length === 0) return bracketed('[', list(item, restMin, restMax), ']');
  const rest = repeat(sequence(comma, item), restMin, restMax);
  return bracketed('[', sequence(joined(first), rest), ']');
}

function joined(items: readonly Expression[]): Expression {
  if (items.length === 0) return EMPTY;
  return sequence(...items.flatMap((item, index) => (index === 0 ? [item] : [comma, item])));
}
