/**
 * Cuts a text at its special tokens exactly as llama.cpp does (`tokenizer_st_partition` in
 * llama-vocab.cpp): longer tokens first, all over the text.
 */
import type { TokenId } from '../core/token-id.ts';
import type { SpecialStrings } from './special-strings.ts';
import type { SpecialToken } from './special-token.ts';

/**
 * @param strings finds the texts of the tokens, and maybe others
 * @returns the tokens, and the texts between them as they stand
 */
export function cutAtSpecialTokens(
  text: string,
  tokens: readonly SpecialToken[],
  strings: SpecialStrings,
): readonly (TokenId | string)[] {
  const found = new Set([...strings.matches(text)].map((match) => match.text));
  const present = tokens
    .filter((token) => found.has(token.text))
    .sort((a, b) => Buffer.byteLength(b.text) - Buffer.byteLength(a.text));
  let parts: readonly (TokenId | string)[] = [text];
  for (const token of present) {
    parts = parts.flatMap((part) => (typeof part === 'string' ? cutAt(part, token) : [part]));
  }
  return parts;
}

function cutAt(text: string, token: SpecialToken): (TokenId | string)[] {
  const parts: (TokenId | string)[] = [];
  let from = 0;
  for (let at = text.indexOf(token.text); at >= 0; at = text.indexOf(token.text, from)) {
    let end = at;
    while (token.stripsBefore && end > from && isSpace(text, end - 1)) end -= 1;
    if (end > from) parts.push(text.slice(from, end));
    parts.push(token.id);
    from = at + token.text.length;
    while (token.stripsAfter && isSpace(text, from)) from += 1;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

/** As `isspace` of C: white space of ASCII. */
function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
