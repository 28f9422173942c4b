/** JSON from files and users, which may be anything. */

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
