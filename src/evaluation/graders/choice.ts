/**
 * Grades answers that are one of several options, told by letter or by text. Where more than one
 * option is named and none is marked, there is no answer: guessing is left to the models.
 */
import type { Grade } from '../question.ts';
import { type MarkReader, readMarks, withoutOpenBox } from './final-answer.ts';
import { bareText } from './text.ts';

export const OPTION_COUNT_MAX = 26;
const LETTER_A = 65;

export function letterOf(index: number): string {
  return String.fromCharCode(LETTER_A + index);
}

/** @returns the index of the right option: the answer is its letter or its text; null if neither */
export function rightOption(answer: string, options: readonly string[]): number | null {
  const byText = options.findIndex((option) => bareOption(option) === bareOption(answer));
  if (byText >= 0) return byText;
  const letter = /^\(?([A-Za-z])[).]?$/.exec(answer.trim())?.[1]?.toUpperCase();
  const index = letter === undefined ? -1 : letter.charCodeAt(0) - LETTER_A;
  return index >= 0 && index < options.length ? index : null;
}

export function gradeChoice(output: string, answer: string, options: readonly string[]): Grade {
  const found = findOption(withoutOpenBox(output), options);
  if (found === null) return { isRight: false, extracted: null };
  return { isRight: found === rightOption(answer, options), extracted: letterOf(found) };
}

function findOption(output: string, options: readonly string[]): number | null {
  const reader: MarkReader<number> = {
    read: (content) => readOption(content, options) ?? onlyNamed(content, options),
    isDirect: (content) => readOption(content, options) !== null,
  };
  return readMarks(output, reader) ?? wholeLine(output, options) ?? onlyNamed(output, options);
}

/** An option on a line of its own. A list of several is the question told again, not an answer. */
function wholeLine(output: string, options: readonly string[]): number | null {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const found = lines.map((line) => readLine(line, options));
  const named = new Set(found.filter((index) => index !== null));
  if (named.size === 1) return [...named][0] ?? null;
  return found.at(-2) === null ? (found.at(-1) ?? null) : null;
}

/** Emphasis within a text goes too: as an option of the question and as an answer alike. */
function bareOption(text: string): string {
  return bareText(text.replaceAll(EMPHASIS, '$1'));
}

const EMPHASIS = /\\(?:text|textbf|mathrm|mathbf|boxed)\s*\{([^{}]*)\}|[*_`$]+/g;
/** `(b)`, `B)`, `B.`, `option B`, or a capital with nothing but a reason or an aside after it. */
const LETTER = new RegExp(
  [
    String.raw`^(?:(?:option|choice|letter)\s+)?`,
    String.raw`(?:\(\s*([A-Z])\s*\)|([A-Z])(?=[).:])`,
    String.raw`|([A-Z])(?=\s*$|[,;!]|\s+(?:because|since|as|is)\b|\s+[-–—(]))`,
  ].join(''),
  'i',
);

/** An option at the beginning of a text, unless another is joined to it: `(A) or (B)`. */
function readOption(content: string, options: readonly string[]): number | null {
  const found = leadingOption(content, options);
  if (found === null) return null;
  const joined = JOINED.exec(found.rest)?.[1];
  const other = joined === undefined ? null : leadingOption(joined, options);
  const isHedge = other !== null && other.index !== found.index && HEDGE_END.test(other.rest);
  return isHedge ? null : found.index;
}

const JOINED = /^[\s).,;:"'”’]*(?:(?:and|or)\b|&|\/)\s*(.*)$/is;
/** `Paris, and Rome is not` goes on otherwise: it joins no answers. */
const HEDGE_END = /^[\s)"'”’]*(?:$|[.,;:!?]|(?:and|or|both|depending)\b)/i;

interface LeadingOption {
  readonly index: number;
  /** What follows it. */
  readonly rest: string;
}

/** By its letter, with its own text or without, or by its own text. */
function leadingOption(content: string, options: readonly string[]): LeadingOption | null {
  const text = content.replaceAll(EMPHASIS, '$1').trim();
  const byText = beginsWith(bareOption(text), options);
  if (byText !== null) return byText;
  const [letter = '', enclosed, marked, bare] = LETTER.exec(text) ?? [];
  // The article is no option: `A` must be a capital where nothing encloses it.
  const index = bare === 'a' ? null : indexOf(enclosed ?? marked ?? bare, options);
  if (index === null) return null;
  const rest = text.slice(letter.length);
  const told = beginsWith(bareOption(rest), options);
  return told?.index === index ? told : { index, rest };
}

/** A line that is nothing but an option: `(B)`, `B. Paris`, `Paris.` */
function readLine(line: string, options: readonly string[]): number | null {
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

/** What makes a longer word or number of the one before it: `1` is not told by `1.5`, `1/2`, `1:30`. */
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
