/**
 * One spelling for LaTeX answers that look the same on paper: `\dfrac34` and `\frac{3}{4}`,
 * `90^\circ` and `90`, `x = 5` and `5`. It changes only spelling: `1+x` and `x+1` stay different.
 */
import { bracedArguments } from './braces.ts';

const COMMA_IN_NUMBER = /(?<=\d)(?:\{,\}|,\\!\s*)(?=\d{3}(?!\d))/g;
const DELIMITER = /^(?:\$\$?|\\\(|\\\[)\s*|\s*(?:\$\$?|\\\)|\\\])$/g;
const TEXT = /\\(?:text|textbf|textit|textrm|mbox|mathrm|mathbf|operatorname)\s*(?=\{)/;

const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/[\u2212\ufe63\uff0d]/g, '-'],
  [/π/g, '\\pi '],
  [/∞/g, '\\infty '],
  [/√\s*(\d+|\([^()]*\))/g, '\\sqrt{$1}'],
  [/±/g, '\\pm '],
  [/∪/g, '\\cup '],
  [/[×·]/g, '\\cdot '],
  [COMMA_IN_NUMBER, ''],
  [/\\(?:left|right|[bB]igg?[lr]?|displaystyle|limits)(?![A-Za-z])/g, ''],
  [/(?<!\\)\\[!,;: ]|\\q?quad(?![A-Za-z])|~|\\phantom\{[^{}]*\}/g, ' '],
  [/\\(?:d|t|c)frac(?![A-Za-z])/g, '\\frac'],
  [/\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree(?![A-Za-z])|°|(?<=\d)\s*degrees?\b/g, ''],
  [/\\?[$%]/g, ''],
  [/\\(?:leq|le)(?![A-Za-z])/g, '\\le '],
  [/\\(?:geq|ge)(?![A-Za-z])/g, '\\ge '],
  [/\\times(?![A-Za-z])/g, '\\cdot '],
  [/\\(?:bmatrix|vmatrix)/g, '\\pmatrix'],
  [/\{[bp]matrix\}/g, '{pmatrix}'],
];

/** Words after a number are its unit. A single letter may be a variable, and stays. */
const PLAIN_UNIT = /^([+-]?[\d.,/ ]*\d)\s*[A-Za-z]{2,}[A-Za-z .]*(?:\^\{?\d\}?)?$/;
const PREFIX = /^([A-Za-z](?:\([A-Za-z]\))?)\s*(?:=|\\in(?![A-Za-z]))(?!=)([^=]*)$/;
const GROUPED = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;

export interface LatexForm {
  /** The variable of `x = …` or `x \in …`; null if there is none. */
  readonly variable: string | null;
  readonly value: string;
}

export function latexForm(text: string): LatexForm {
  let value = withoutDelimiters(text);
  for (const [pattern, spelling] of SPELLINGS) value = value.replaceAll(pattern, spelling);
  value = withoutTexts(value).trim();
  const [, variable = null, rest = value] = PREFIX.exec(value) ?? [];
  value = PLAIN_UNIT.exec(rest.trim())?.[1] ?? rest.trim();
  if (GROUPED.test(value)) value = value.replaceAll(',', '');
  value = withBracedArguments(value);
  // Spaces keep `\pi r` apart from `\pir`; between other characters they have no meaning.
  value = value
    .replaceAll(/(\\[A-Za-z]+)\s+(?=[A-Za-z])/g, '$1 ')
    .replaceAll(/(?<!\\[A-Za-z]+)\s+/g, '');
  value = value.replaceAll(/(\\[A-Za-z]+) (?![A-Za-z])/g, '$1');
  value = value.replaceAll(/(?<!\d)\\cdot\s?|\\cdot\s?(?!\d)/g, '').replaceAll('\\cdot', '*');
  value = value.replaceAll(/([_^])\{(\w)\}/g, '$1$2');
  return { variable, value: /^[A-Za-z]{2,}$/.test(value) ? value.toLowerCase() : value };
}

function withoutDelimiters(text: string): string {
  let bare = text.trim();
  for (let before = ''; before !== bare; ) {
    before = bare;
    bare = bare
      .replaceAll(DELIMITER, '')
      .replace(/[.,;:\s]+$/, '')
      .replaceAll(/^\*\*|\*\*$/g, '')
      .trim();
  }
  return bare;
}

/**
 * A `\text` that is the whole answer stays, in lower case; one after a value is its unit and goes.
 */
function withoutTexts(text: string): string {
  let rest = text;
  for (let found = TEXT.exec(rest); found !== null; found = TEXT.exec(rest)) {
    const argument = bracedArguments(rest, found.index + found[0].length, 1);
    if (argument === null) return rest;
    const before = rest.slice(0, found.index);
    const after = rest.slice(argument.end);
    const words = (argument.values[0] ?? '').trim();
    if (/^(?:and|or|,)$/.test(words)) rest = `${before},${after}`;
    else if (/[\d})\]]\s*$/.test(before)) rest = before + after.replace(/^\s*\^\{?\d\}?/, '');
    else rest = before + words.toLowerCase() + after;
  }
  return rest;
}

const SHORT_ARGUMENTS: readonly (readonly [RegExp, string])[] = [
  [/\\sqrt\s*(?:(\d)|(?<= )([A-Za-z])|\s+([A-Za-z]))/g, '\\sqrt{$1$2$3}'],
  [/\\frac\s*(\d|(?<=\s)[A-Za-z])\s*(\d|[A-Za-z])/g, '\\frac{$1}{$2}'],
  [/\\frac\s*(\d|(?<=\s)[A-Za-z])\s*(?=\{)/g, '\\frac{$1}'],
  [/(\\frac\s*\{[^{}]*\})\s*(\d|[A-Za-z])/g, '$1{$2}'],
];

/**
 * Adds the braces of `\frac12`, `\frac1{72}`, `\frac{9}2`, `\sqrt3`; `\frac{-a}{b}` becomes
 * `-\frac{a}{b}`.
 */
function withBracedArguments(text: string): string {
  let braced = text;
  for (const [pattern, spelling] of SHORT_ARGUMENTS) braced = braced.replaceAll(pattern, spelling);
  braced = braced.replaceAll(/(?<!\w)\\frac\s*\{\s*-([^{}+-]*(?:\{[^{}+-]*\})?)\}/g, '-\\frac{$1}');
  // With one slash, `\sqrt{3}/3` is a fraction; `x+1/2` is a sum.
  return braced.replace(/^(-?)([^/+,()[\]&\s-]+)\s*\/\s*([^/+,()[\]&\s-]+)$/, '$1\\frac{$2}{$3}');
}
