/**
 * One spelling for LaTeX answers that look the same on paper: `\dfrac34` and `\frac34`,
 * `\text{(C)}` and `C`, `Evelyn` and `\text{evelyn}`. It is for answers that are no formulas, and
 * for formulas that are not understood: it changes only spelling, and leaves nothing out.
 */
import { bracedArguments } from './braces.ts';

const DELIMITER = /^(?:\$\$?|\\\(|\\\[)\s*|\s*(?:(?<!\\)\$\$?|\\\)|\\\])$/g;
const TEXT = /\\(?:text|textbf|textit|textrm|mbox|mathrm|mathbf|operatorname)\s*(?=\{)/;

const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/[\u2212\ufe63\uff0d]/g, '-'],
  [/π/g, '\\pi '],
  [/∞/g, '\\infty '],
  [/√\s*(\d+|\([^()]*\))/g, '\\sqrt{$1}'],
  [/±/g, '\\pm '],
  [/∪/g, '\\cup '],
  [/[×·]/g, '\\cdot '],
  [/\\(?:left|right|[bB]igg?[lr]?|displaystyle|limits)(?![A-Za-z])/g, ''],
  [/(?<!\\)\\[!,;: ]|\\q?quad(?![A-Za-z])|~/g, ' '],
  [/\\(?:d|t|c)frac(?![A-Za-z])/g, '\\frac'],
  [/\\(?:leq|le)(?![A-Za-z])/g, '\\le '],
  [/\\(?:geq|ge)(?![A-Za-z])/g, '\\ge '],
  [/\\times(?![A-Za-z])/g, '\\cdot '],
];

/** A longer text is no answer that has another spelling. */
const LENGTH_MAX = 2000;

export function latexForm(text: string): string {
  let value = bareFormula(text);
  if (value.length > LENGTH_MAX) return value;
  for (const [pattern, spelling] of SPELLINGS) value = value.replaceAll(pattern, spelling);
  value = withoutTexts(value).trim();
  // Spaces keep `\pi r` apart from `\pir`, and `2 3` from `23`.
  value = value
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/(?<![\dA-Za-z]) | (?![\dA-Za-z])/g, '')
    .replaceAll(/([_^])\{(\w)\}/g, '$1$2');
  const [, letter] = /^\(?([A-Za-z])\)?$/.exec(value) ?? [];
  return /^[A-Za-z][A-Za-z ]+$/.test(value)
    ? value.toLowerCase()
    : (letter?.toLowerCase() ?? value);
}

/** Nobody encloses an answer more often. */
const TURNS_MAX = 12;

/** A formula without the delimiters, emphasis and punctuation around it. */
export function bareFormula(text: string): string {
  let bare = text.trim();
  for (let before = '', turn = 0; before !== bare && turn < TURNS_MAX; turn += 1) {
    before = bare;
    bare = bare
      .replaceAll(DELIMITER, '')
      .replace(/(?<!\\)[.,;:]+$|^[:;]+/, '')
      .replaceAll(/^(?:\*\*)+|(?:\*\*)+$|^`+|`+$/g, '')
      .trim();
  }
  return bare.replaceAll(
    SUPERSCRIPTS,
    (signs) => `^{${signs.normalize('NFKC').replace('\u2212', '-')}}`,
  );
}

const SUPERSCRIPTS = /⁻?[⁰¹²³⁴-⁹]+/g;

/** Words of a `\text` stay, in lower case. */
function withoutTexts(text: string): string {
  let rest = text;
  for (let found = TEXT.exec(rest); found !== null; found = TEXT.exec(rest)) {
    const argument = bracedArguments(rest, found.index + found[0].length, 1);
    if (argument === null) return rest;
    const words = (argument.values[0] ?? '').toLowerCase();
    rest = `${rest.slice(0, found.index)} ${words} ${rest.slice(argument.end)}`;
  }
  return rest;
}
