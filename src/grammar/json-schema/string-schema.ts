/** Strings by length, pattern or format. */
import { choice, type Expression, repeat, sequence, text } from '../expression.ts';
import { textContaining } from '../regular-expression.ts';
import { anyString, countedCharacter, insideString } from './json-values.ts';
import type { SchemaConverter } from './schema-converter.ts';
import { countOf, type JsonObject, schemaError } from './schema-keywords.ts';
import { STRING_FORMATS } from './string-formats.ts';

/** Each length costs the engine a pass over the whole vocabulary, about 50 ms, once per grammar. */
export const COUNTED_LENGTH_MAX = 64;

export function stringOf(
  schema: JsonObject,
  where: string,
  converter: SchemaConverter,
): Expression {
  const min = countOf(schema, 'minLength', 0, where);
  const given = countOf(schema, 'maxLength', null, where);
  const { pattern } = schema;
  const format = formatOf(schema);
  const hasLength = min > 0 || given !== null;
  const rivals = [pattern !== undefined, format !== undefined, hasLength].filter(Boolean);
  if (rivals.length > 1) {
    throw schemaError(
      where,
      'has more than one of a pattern, a format and a length, which cannot be kept together',
      'Write the length into the pattern, as in "^[a-z]{2,8}$".',
    );
  }
  if (format !== undefined) return quoted(format);
  if (pattern !== undefined) {
    if (typeof pattern === 'string') return quoted(insideString(textContaining(pattern)));
    throw schemaError(where, 'has a "pattern" that is not a string', 'Give a regular expression.');
  }
  return hasLength ? counted(min, given, where, converter) : anyString;
}

/** Unknown formats do not constrain the string. */
function formatOf({ format }: JsonObject): Expression | undefined {
  const isKnown = typeof format === 'string' && Object.hasOwn(STRING_FORMATS, format);
  return isKnown ? STRING_FORMATS[format] : undefined;
}

function counted(
  min: number,
  max: number | null,
  where: string,
  converter: SchemaConverter,
): Expression {
  if (max !== null && max < min) {
    throw schemaError(
      where,
      `allows no string of ${min} to ${max} characters`,
      'Swap the lengths.',
    );
  }
  if (min > COUNTED_LENGTH_MAX || (max !== null && max > COUNTED_LENGTH_MAX)) {
    throw schemaError(
      where,
      `counts more than ${COUNTED_LENGTH_MAX} characters of a string`,
      'Leave the length out, or use a smaller one.',
    );
  }
  const start = sequence(text('"'), repeat(countedCharacter, min, min));
  if (max !== null) return sequence(start, upTo(max - min, converter));
  return sequence(start, repeat(countedCharacter, 0, null), text('"'));
}

/**
 * At most `count` more characters, and the end of the string. There is one rule for each count, so
 * that strings of all lengths share them.
 */
function upTo(count: number, converter: SchemaConverter): Expression {
  if (count === 0) return text('"');
  return converter.named(`up-to-${count}`, () =>
    choice(text('"'), sequence(countedCharacter, upTo(count - 1, converter))),
  );
}

function quoted(content: Expression): Expression {
  return sequence(text('"'), content, text('"'));
}
