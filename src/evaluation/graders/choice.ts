/**
 * Grades answers that are one of several options, given by letter or by text. Where an output names
 * more than one option and marks none, it has no answer: the grader does not guess.
 */
import type { Grade } from '../question.ts';
import { choiceClaims } from './choice-claims.ts';
import { type Found, type MarkReader, readAnswer, wrong } from './final-answer.ts';
import { bareText } from './text.ts';

export const OPTION_COUNT_MAX = 26;
const LETTER_A = 65;

export function letterOf(index: number): string {
  return String.fromCharCode(LETTER_A + index);
}

/** @returns the index of the option whose letter or text is the answer; null if there is none */
export function rightOption(answer: string, options: readonly string[]): number | null {
  const byText = options.findIndex((option) => bareOption(option) === bareOption(answer));
  if (byText >= 0) return byText;
  const letter = /^\(?([A-Za-z])[).]?$/.exec(answer.trim())?.[1]?.toUpperCase();
  const index = letter === undefined ? -1 : letter.charCodeAt(0) - LETTER_A;
  return index >= 0 && index < options.length ? index : null;
}

export function gradeChoice(output: string, answer: string, options: readonly string[]): Grade {
  const { value, why } = findOption(output, options);
  if (value === null) return wrong(why);
  return { isRight: value === rightOption(answer, options), extracted: letterOf(value), why };
}

/** An option stands at the beginning. */
const CONTENT_LENGTH_MAX = 1000;

function findOption(output: string, options: readonly string[]): Found<number> | Found<null> {
  const reader: MarkReader<number> = {
    read: (whole) => {
      const content = whole.slice(0, CONTENT_LENGTH_MAX);
      if (isJoined(content, options)) return 'unclear';
      const index = readOption(content, options) ?? onlyNamed(content, options);
      return index === null ? null : { value: index };
    },
    isDirect: (whole) => {
      const content = whole.slice(0, CONTENT_LENGTH_MAX);
      return readOption(content, options) !== null || isJoined(content, options);
    },
    marks: (text) => choiceClaims(text, options),
  };
  return readAnswer(output, reader, (text) => {
    const line = wholeLine(text, options);
    if (line !== null) return { value: line, why: 'an option on a line of its own' };
    const first = firstSaid(text, options);
    if (first !== null) return { value: first, why: 'the option with which it begins' };
    const named = onlyNamed(text, options);
    return named === null ? null : { value: named, why: 'the only option that is named' };
  });
}

/**
 * An option on a line of its own. A list of several options repeats the question: it is no answer.
 */
function wholeLine(output: string, options: readonly string[]): number | null {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const found = lines.map((line) => readLine(line, options));
  const named = new Set(found.filter((index) => index !== null));
  const paragraph = readLine(
    output
      .trimEnd()
      .split(/\n\s{0,20}\n/)
      .at(-1) ?? '',
    options,
  );
  // After the options, one of them again.
  if (paragraph !== null && found.slice(0, -1).includes(paragraph)) return paragraph;
  if (named.size === 1) return [...named][0] ?? null;
  return found.at(-2) === null ? (found.at(-1) ?? null) : null;
}

/** The option at the beginning of an output of one line: `B and not D`, `B. The others are wrong.` */
function firstSaid(output: string, options: readonly string[]): number | null {
  const text = output.trim();
  if (text.length > CONTENT_LENGTH_MAX || text.includes('\n') || REFUSED.test(text)) return null;
  return readOption(text, options);
}

const REFUSED = /^\W*\w+\W*\s+(?:is|are)\b/;

/** Removes emphasis from options of the question and from answers alike. */
function bareOption(text: string): string {
  return bareText(text.replaceAll(EMPHASIS, '$1'));
}

const EMPHASIS = /\\(?:text|textbf|mathrm|mathbf|boxed)\s*\{([^{}]*)\}|[*_`$]+/g;
/** `(b)`, `B)`, `B.`, `option B`, or a capital letter followed only by a reason or an aside. */
const LETTER = new RegExp(
  [
    String.raw`^(?:(?:option|choice|letter)\s+)?`,
    String.raw`(?:[(\[{<]\s*([A-Z])\s*[)\]}>]|([A-Z])(?=[).:\]])`,
    String.raw`|([A-Z])(?=\s*$|[,;!"'”’]|\s+(?:because|since|as|is|and|or|but|not|rather|instead`,
    String.raw`|over|due|for)\b|\s+[-–—(&/]|/[A-Z]\b))`,
  ].join(''),
  'i',
);

/** The option at the beginning of a text, unless another is joined to it: `(A) or (B)`. */
function readOption(content: string, options: readonly string[]): number | null {
  const found = leadingOption(content, options);
  return found === null || isJoined(content, options) ? null : found.index;
}

/** Whether a mark says several options: `(A) or (B)`, `A, C`. */
function isJoined(content: string, options: readonly string[]): boolean {
  const found = leadingOption(content, options);
  const [, sign, joined] = found === null ? [] : (JOINED.exec(found.rest) ?? []);
  const other = joined === undefined ? null : leadingOption(joined, options);
  if (found === null || other === null || other.index === found.index) return false;
  // After a comma, only a letter goes on with the list: `Yes, no one knows`.
  if (sign === ',' && !LISTED.test(joined ?? '')) return false;
  return HEDGE_END.test(other.rest);
}

const LISTED = /^\(?[A-Z]\)?(?:[\s.]*$|,|\s+(?:and|or)\b)/;
const JOINED =
  /^[\s).;:"'”’\]]*((?:,\s*)?(?:(?:and|or)\b|&|\/)|,)\s*(?:maybe |possibly |perhaps )?(.*)$/is;
/**
 * The end of a joined answer. `Paris, and Rome is not` continues otherwise: it joins no answers.
 */
const HEDGE_END = /^[\s)"'”’]*(?:$|[.,;:!?]|(?:and|or|both|depending)\b)/i;

const BEFORE_OPTION = new RegExp(
  [
    '^(?:(?:definitely|certainly|clearly|most likely|likely|probably|indeed|therefore',
    String.raw`|thus|still|now|then|simply)\s+)*["'“‘«]*\s*`,
  ].join(''),
  'i',
);

interface LeadingOption {
  readonly index: number;
  /** The text after it. */
  readonly rest: string;
}

/** An option given by its letter, with or without its text, or by its text. */
function leadingOption(content: string, options: readonly string[]): LeadingOption | null {
  const text = content.replaceAll(EMPHASIS, '$1').trim().replace(BEFORE_OPTION, '');
  const byText = beginsWith(bareOption(text), options);
  if (byText !== null) return byText;
  const [letter = '', enclosed, marked, bare] = LETTER.exec(text) ?? [];
  // The article is no option: without brackets or a mark, `A` must be a capital.
  const index = bare === 'a' ? null : indexOf(enclosed ?? marked ?? bare, options);
  if (index === null) return null;
  const rest = text.slice(letter.length);
  const told = beginsWith(bareOption(rest), options);
  return told?.index === index ? told : { index, rest };
}

/** A line that holds only an option: `(B)`, `B. Paris`, `Paris.` */
function readLine(line: string, options: readonly string[]): number | null {
  if (line.length > CONTENT_LENGTH_MAX) return null;
  const text = bareOption(line.replace(/^\s*[-•]\s+/, ''));
  const rest = /^([a-z])(?:[).:\s]+(.*))?$/.exec(text);
  const byLetter = indexOf(rest?.[1], options);
  const own = bareOption(options[byLetter ?? -1] ?? '');
  if (byLetter !== null && (rest?.[2] ?? own) === own) return byLetter;
  const byText = options.findIndex((option) => bareOption(option) === text);
  return byText >= 0 ? byText : null;
}

function indexOf(letter: string | undefined, options: readonly string[]): number | null {
  if (letter === undefined) return null;
  const index = letter.toUpperCase().charCodeAt(0) - LETTER_A;
  return index >= 0 && index < options.length ? index : null;
}

/** The longest option that the text begins with, as whole words and numbers. */
function beginsWith(bare: string, options: readonly string[]): LeadingOption | null {
  const fitting = options
    .map((option, index) => ({ words: bareOption(option), index }))
    .filter(({ words }) => words !== '' && bare.startsWith(words))
    .filter(({ words }) => !GOES_ON.test(bare.slice(words.length)))
    .sort((a, b) => b.words.length - a.words.length);
  const [longest] = fitting;
  if (longest === undefined) return null;
  return { index: longest.index, rest: bare.slice(longest.words.length) };
}

/**
 * Text that makes a longer word or number of the one before it: `1.5`, `1/2` and `1:30` are not
 * `1`.
 */
const GOES_ON = /^(?:[\p{L}\p{N}]|[.,/:]\d)/u;
const BEFORE = String.raw`(?<![\p{L}\p{N}]|\d[.,/:]|[-\u2212](?=\d))`;
const AFTER = String.raw`(?![\p{L}\p{N}]|[.,/:]\d)`;

const DENIED = /\b(?:not|isn't|rather than|instead of)\s+(?:option\s+|choice\s+)?["'“]?$/i;
const NAMED_LETTER = /\(([A-Z])\)|\b(?:option|choice|letter)\s+\(?([A-Z])\b/gi;

/** The one option that a text names by `(B)`, `option B` or its text; null if none or several. */
function onlyNamed(output: string, options: readonly string[]): number | null {
  const text = output.replaceAll(EMPHASIS, '$1');
  const letters = [...text.matchAll(NAMED_LETTER)]
    .filter(({ index }) => !DENIED.test(text.slice(Math.max(0, index - 30), index)))
    .map(([, enclosed, named]) => indexOf(enclosed ?? named, options));
  const named = new Set(letters.filter((index) => index !== null));
  if (named.size > 0) return named.size === 1 ? ([...named][0] ?? null) : null;
  const told = options.flatMap((option, index) => (isTold(option, text) ? [index] : []));
  return told.length === 1 ? (told[0] ?? null) : null;
}

function isTold(option: string, text: string): boolean {
  const words = bareOption(option);
  if (words === '') return false;
  const escaped = words.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`${BEFORE}${escaped}${AFTER}`, 'giu');
  const lower = text.toLowerCase().replaceAll(/\s+/g, ' ');
  return [...lower.matchAll(pattern)].some(
    ({ index }) => !DENIED.test(lower.slice(Math.max(0, index - 30), index)),
  );
}
