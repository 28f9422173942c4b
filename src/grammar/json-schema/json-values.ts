/** The parts of JSON as grammar: the form of every value without further constraints. */
import { InvariantError } from '../../core/invariant.ts';
import { type CodePoints, codePoints, complement, intersection } from '../code-points.ts';
import {
  characters,
  choice,
  EMPTY,
  type Expression,
  oneOf,
  optional,
  repeat,
  rule,
  sequence,
  text,
} from '../expression.ts';

/** The most digits before and after the point, and of an exponent. Every such number is finite. */
export const DIGIT_COUNT_MAX = 20;
const EXPONENT_DIGIT_COUNT_MAX = 2;
const INDENT_MAX = 8;

export const DIGIT: Expression = oneOf('09');
const HEX: Expression = oneOf('09', 'af', 'AF');

export function digits(min: number, max: number): Expression {
  return max === 0 ? EMPTY : repeat(DIGIT, min, max);
}

/** Characters that must be escaped in a JSON string: quotes, backslashes, control characters. */
const ESCAPED: CodePoints = codePoints([
  { first: 0, last: 0x1f },
  { first: 0x22, last: 0x22 },
  { first: 0x5c, last: 0x5c },
]);
const PLAIN: CodePoints = complement(ESCAPED);

/** The short escapes, each of which stands for one character. */
const SHORT_ESCAPE: Expression = sequence(
  text('\\'),
  oneOf('""', '\\\\', '//', 'bb', 'ff', 'nn', 'rr', 'tt'),
);

/** Escaped surrogates are left out, because half a pair is not a character. */
const LONG_ESCAPE: Expression = sequence(
  text('\\u'),
  choice(
    sequence(oneOf('09', 'ac', 'AC', 'ef', 'EF'), repeat(HEX, 3, 3)),
    sequence(oneOf('dd', 'DD'), oneOf('07'), repeat(HEX, 2, 2)),
  ),
);
const CHARACTER: Expression = choice(characters(PLAIN), SHORT_ESCAPE, LONG_ESCAPE);

/**
 * White space between tokens: none, one space, or a new line with its indentation. Without a limit a
 * model could fill its answer with white space.
 */
const SPACE: Expression = choice(
  EMPTY,
  text(' '),
  sequence(text('\n'), repeat(text(' '), 0, INDENT_MAX)),
);

const NUMBER: Expression = sequence(
  optional(text('-')),
  choice(text('0'), sequence(oneOf('19'), digits(0, DIGIT_COUNT_MAX - 1))),
  optional(sequence(text('.'), digits(1, DIGIT_COUNT_MAX))),
  optional(
    sequence(oneOf('ee', 'EE'), optional(oneOf('++', '--')), digits(1, EXPONENT_DIGIT_COUNT_MAX)),
  ),
);

export const space: Expression = SPACE;
export const anyString: Expression = rule('string');
export const anyNumber: Expression = rule('number');
export const anyObject: Expression = rule('object');
export const anyArray: Expression = rule('array');
export const anyValue: Expression = rule('value');
export const anyBoolean: Expression = choice(text('true'), text('false'));
export const nullValue: Expression = text('null');

/** `open`, elements separated by commas, `close`, with white space at the usual places. */
export function bracketed(open: string, elements: Expression, close: string): Expression {
  return sequence(text(open), space, elements, space, text(close));
}

/** From `min` to `max` (null: any number) elements, separated by commas. */
export function list(element: Expression, min: number, max: number | null): Expression {
  if (max === 0) return EMPTY;
  const more = sequence(comma, element);
  const rest = repeat(more, Math.max(0, min - 1), max === null ? null : max - 1);
  const some = max === 1 ? element : sequence(element, rest);
  return min === 0 ? optional(some) : some;
}

export const comma: Expression = sequence(text(','), space);

export function pair(key: Expression, value: Expression): Expression {
  return sequence(key, text(':'), space, value);
}

/** The rules that the expressions above refer to. */
export function jsonRules(): Map<string, Expression> {
  return new Map<string, Expression>([
    ['string', sequence(text('"'), repeat(CHARACTER, 0, null), text('"'))],
    ['number', NUMBER],
    ['object', bracketed('{', list(pair(anyString, anyValue), 0, null), '}')],
    ['array', bracketed('[', list(anyValue, 0, null), ']')],
    ['value', choice(anyObject, anyArray, anyString, anyNumber, anyBoolean, nullValue)],
  ]);
}

/** The texts of an expression as they stand inside a JSON string, escaped if necessary. */
export function insideString(expression: Expression): Expression {
  switch (expression.kind) {
    case 'text':
      return text(escapedText(expression.text));
    case 'class':
      return escapedClass(expression.set);
    case 'sequence':
      return sequence(...expression.parts.map(insideString));
    case 'choice':
      return choice(...expression.options.map(insideString));
    case 'repeat':
      return repeat(insideString(expression.part), expression.min, expression.max);
    case 'rule':
    case 'automaton':
      throw new InvariantError('a text is escaped before it is combined');
  }
}

/** One character of a string whose length counts, in its only spelling. */
export const countedCharacter: Expression = insideString(characters(complement([])));

function escapedText(plain: string): string {
  return JSON.stringify(plain).slice(1, -1);
}

function escapedClass(set: CodePoints): Expression {
  const plain = intersection(set, PLAIN);
  const escapes = intersection(set, ESCAPED).flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) =>
      text(escapedText(String.fromCodePoint(first + index))),
    ),
  );
  const options = [...(plain.length > 0 ? [characters(plain)] : []), ...escapes];
  return choice(...options);
}
