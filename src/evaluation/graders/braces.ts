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

/** For every `{` the `}` that closes it, in one pass; without those that are not closed. */
export function bracePairs(text: string): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '\\') at += 1;
    else if (character === '{') open.push(at);
    else if (character === '}') {
      const begin = open.pop();
      if (begin !== undefined) pairs.set(begin, at);
    }
  }
  return pairs;
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
