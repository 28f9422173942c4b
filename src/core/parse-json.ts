/** JSON from files and users, which may be anything. */
import { isSafeNumber, parse } from 'lossless-json';

/**
 * The value of a JSON text.
 * @param refusal makes the error to throw for a text that is not JSON
 * @returns undefined if the text is not JSON and there is no `refusal`
 */
export function parseJson(text: string, refusal?: (cause: unknown) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (refusal === undefined) return undefined;
    throw refusal(error);
  }
}

/** A number that a double may not hold: many digits, or an exponent. */
const LONG_NUMBER = /\d[\d.]{15}|\d[eE][+-]?\d/;

/**
 * Like `parseJson`, but a number that a double does not hold exactly is its text: 9007199254740993
 * is `'9007199254740993'`.
 */
export function parseExactJson(text: string, refusal: (cause: unknown) => Error): unknown {
  if (!LONG_NUMBER.test(text)) return parseJson(text, refusal);
  try {
    return parse(text, undefined, {
      parseNumber: (number) => (isSafeNumber(number) ? Number(number) : number),
      // As `JSON.parse` does.
      onDuplicateKey: ({ newValue }) => newValue,
    });
  } catch (error) {
    throw refusal(error);
  }
}
