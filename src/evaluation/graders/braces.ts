/** Balanced braces in LaTeX: the content of `\boxed{…}` may have braces of its own. */

/**
 * @param open index of a `{` in `text`
 * @returns the index of the `}` that closes it, or null where the text ends before; `\{` and `\}` are
 * characters, not braces
 */
export function closingBrace(text: string, open: number): number | null {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    const character = text[at];
    if (character === '\\') at += 1;
    else if (character === '{') depth += 1;
    else if (character === '}') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return null;
}

/** The arguments of a command right after its name, as in `{a}{b}`; null where there are fewer. */
export function bracedArguments(
  text: string,
  start: number,
  count: number,
): { readonly values: readonly string[]; readonly end: number } | null {
  const values: string[] = [];
  let at = start;
  while (values.length < count) {
    while (text[at] === ' ') at += 1;
    const close = text[at] === '{' ? closingBrace(text, at) : null;
    if (close === null) return null;
    values.push(text.slice(at + 1, close));
    at = close + 1;
  }
  return { values, end: at };
}
