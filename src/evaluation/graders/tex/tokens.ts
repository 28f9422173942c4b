/**
 * The tokens of a formula, by TeX's own rules: a command is a backslash with letters or one other
 * character, and everything else is one character at a time. Typographic signs (`π`, `√`, `−`) and
 * names that are often written without a backslash (`sqrt`, `pi`) become the commands that they
 * stand for. Space and sizes have no meaning of their own; what stood before a token is kept,
 * because `11 5/6` is a mixed number and `10,\!080` one number.
 */
export interface Token {
  readonly text: string;
  /** The white space and spacing commands before it. */
  readonly gap: string;
  readonly start: number;
  readonly end: number;
  /** The text of `\text{…}`. */
  readonly words?: string;
}

/** No answer is longer; the work per comparison grows with it. */
export const TOKEN_COUNT_MAX = 1500;

/** Enough for a command with its arguments, where they are in braces or short. */
const PREFIX_TOKENS = 12;

const SPACING = /^(?:[\s~]+|\\[!,;:> ]|\\(?:quad|qquad|thinspace)(?![A-Za-z]))/;
const IGNORED = new RegExp(
  [
    String.raw`^(?:\\(?:left|right)\s*\.|\\(?:left|right|middle|[bB]igg?[lrm]?|displaystyle`,
    String.raw`|textstyle|limits|nolimits|mathstrut)(?![A-Za-z])|\\[()[\]]|\$)`,
  ].join(''),
);
const TEXT =
  /^\\(?:text(?:bf|it|rm|sf|normal)?|mbox|hbox|mathrm|mathbf|mathit|mathsf|operatorname)\s*\{/;
const COMMAND = /^\\(?:[A-Za-z]+|[^A-Za-z])/;
const NAMED =
  /^(?:sqrt|arcsin|arccos|arctan|sin|cos|tan|cot|sec|csc|ln|log|exp|pi|infinity|infty)(?![A-Za-z])/;

const SIGNS: Readonly<Record<string, string>> = {
  '\u2212': '-',
  '\ufe63': '-',
  '\uff0d': '-',
  π: '\\pi',
  θ: '\\theta',
  '∞': '\\infty',
  '√': '\\sqrt',
  '±': '\\pm',
  '∪': '\\cup',
  '∈': '\\in',
  '×': '\\times',
  '·': '\\cdot',
  '÷': '\\div',
  '⁄': '/',
  '≤': '\\le',
  '≥': '\\ge',
  '≠': '\\ne',
  '≈': '\\approx',
  '°': '\\degree',
  '∅': '\\emptyset',
};
const SYNONYMS: Readonly<Record<string, string>> = {
  '\\dfrac': '\\frac',
  '\\tfrac': '\\frac',
  '\\cfrac': '\\frac',
  '\\dbinom': '\\binom',
  '\\tbinom': '\\binom',
  '\\leq': '\\le',
  '\\leqslant': '\\le',
  '\\geq': '\\ge',
  '\\geqslant': '\\ge',
  '\\neq': '\\ne',
  '\\lt': '<',
  '\\gt': '>',
  '\\simeq': '\\approx',
  '\\infinity': '\\infty',
  '\\lbrace': '\\{',
  '\\rbrace': '\\}',
  '\\lparen': '(',
  '\\rparen': ')',
  '\\lbrack': '[',
  '\\rbrack': ']',
  '\\lvert': '|',
  '\\rvert': '|',
  '\\vert': '|',
  '\\varnothing': '\\emptyset',
  '\\ast': '\\cdot',
  '*': '\\cdot',
  '\\%': '%',
};
/** These dashes are minus signs before a number, but a range between two of them. */
const DASH = /^[\u2010\u2011\u2012\u2013]/;

/**
 * @param isPrefix whether tokens before a sign that no formula has will do
 * @returns null where the text is too long or has such a sign
 */
export function texTokens(source: string, isPrefix = false): readonly Token[] | null {
  const tokens: Token[] = [];
  let depth = 0;
  for (let at = 0; ; ) {
    const { gap, end: start } = gapAt(source, at);
    if (start >= source.length) return tokens;
    const rest = source.slice(start, start + LOOK_AHEAD);
    const token = tokenAt(source, start, rest, tokens.at(-1));
    if (token === null || tokens.length >= TOKEN_COUNT_MAX) return isPrefix ? tokens : null;
    tokens.push({ ...token, gap });
    at = token.end;
    depth += DEPTHS[token.text] ?? 0;
    const isEnough = isPrefix && depth <= 0 && tokens.length >= PREFIX_TOKENS;
    if (isEnough && source[at] !== '{') return tokens;
  }
}

const DEPTHS: Readonly<Record<string, number>> = { '{': 1, '}': -1 };
/** No command is longer. */
const LOOK_AHEAD = 400;

/** White space and spacing commands, which are kept, and sizes and delimiters, which are not. */
function gapAt(source: string, start: number): { readonly gap: string; readonly end: number } {
  let gap = '';
  for (let at = start; ; ) {
    const rest = source.slice(at, at + LOOK_AHEAD);
    const space = SPACING.exec(rest)?.[0];
    const skipped = space ?? IGNORED.exec(rest)?.[0];
    if (skipped === undefined) return { gap, end: at };
    gap += space ?? '';
    at += skipped.length;
  }
}

function tokenAt(
  source: string,
  start: number,
  rest: string,
  before: Token | undefined,
): Omit<Token, 'gap'> | null {
  const text = TEXT.exec(rest)?.[0];
  if (text !== undefined) {
    const close = source.indexOf('}', start);
    if (close < 0) return null;
    return {
      text: '\\text',
      start,
      end: close + 1,
      words: source.slice(start + text.length, close),
    };
  }
  if (DASH.test(rest)) {
    const isRange = before !== undefined && /^[\dA-Za-z)\]}]$/.test(before.text);
    return isRange ? null : { text: '-', start, end: start + 1 };
  }
  const named = NAMED.exec(rest)?.[0];
  if (named !== undefined && !/[A-Za-z]/.test(source.charAt(start - 1))) {
    return { text: canonical(`\\${named}`), start, end: start + named.length };
  }
  const found = COMMAND.exec(rest)?.[0] ?? rest.charAt(0);
  return { text: canonical(SIGNS[found] ?? found), start, end: start + found.length };
}

function canonical(text: string): string {
  return SYNONYMS[text] ?? text;
}
