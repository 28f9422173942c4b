/** Grades answers that are one number. The rules, with examples: docs/GRADERS.md. */
import type { Grade } from '../question.ts';
import { type MarkReader, readMarks, withoutOpenBox } from './final-answer.ts';
import { plainText, type Quantity, quantitiesIn } from './quantity.ts';
import { decimal, isSame, over } from './rational.ts';

export function gradeNumber(output: string, answer: string): Grade {
  const wanted = readNumber(answer);
  const found = findNumber(output);
  if (found === null) return { isRight: false, extracted: null };
  return { isRight: wanted !== null && isSameNumber(found, wanted), extracted: found.text };
}

/** The one number of a text with no more than its currency or unit; null for any other text. */
export function readNumber(text: string): Quantity | null {
  const plain = plainText(text);
  const [first, ...others] = quantitiesIn(plain);
  if (first === undefined || others.length > 0) return null;
  return /^[\s$(]*$/.test(plain.slice(0, first.start)) ? first : null;
}

const AROUND = /^(?:[\s$€£¥₹().,;:]|USD|EUR|GBP|INR)*$/;

/** Whether a text is one number with only currency, per cent or punctuation around it. */
export function isBareNumber(text: string): boolean {
  const found = readNumber(text);
  if (found === null) return false;
  const plain = plainText(text);
  return AROUND.test(plain.slice(0, found.start) + plain.slice(found.end));
}

/** The answer of an output, by the order of precedence in final-answer.ts; else its last number. */
export function findNumber(output: string): Quantity | null {
  const closed = withoutOpenBox(output);
  return readMarks(closed, READER) ?? lastNumber(plainText(closed));
}

/**
 * A per cent sign is a unit (45% is 45), unless the right answer has one: then 0.45 is right too.
 */
function isSameNumber(found: Quantity, wanted: Quantity): boolean {
  if (isSame(found.value, wanted.value)) return true;
  const hundred = decimal('100');
  if (!wanted.isPercent || found.isPercent || hundred === null) return false;
  const share = over(wanted.value, hundred);
  return share !== null && isSame(found.value, share);
}

const READER: MarkReader<Quantity> = {
  read: (content) => readStatement(plainText(content)),
  isDirect: (content, form) => {
    const plain = plainText(content);
    return form === 'hash' ? DIRECT.test(plain) && !HEADING.test(plain) : DIRECT.test(plain);
  },
};

/** Signs and words that may stand before a direct number. */
const DIRECT =
  /^(?:[^\p{L}\d]|\b(?:approximately|about|around|exactly|simply|just|only|equal to|[a-z] (?==)))*\d/iu;
const HEADING = /^\d+[.):]\s+\S/;
const SENTENCE = /^.*?[.!?](?=[\s*"'”)$\\]|$)/;
/** The text after these words is the reason, not the answer. */
const REASON = /\b(?:because|since|as|given|which|where|when|if|after)\b.*$/i;
const EQUAL = /[=≈]/;

function readStatement(plain: string): Quantity | null {
  const sentence = SENTENCE.exec(plain)?.[0] ?? plain;
  return readClause(sentence.replace(REASON, '')) ?? readClause(sentence);
}

/**
 * The number after the last sign of `9 * 2 = 18`; else the first number if it is direct, or the
 * last.
 */
function readClause(clause: string): Quantity | null {
  const result = chainResult(clause);
  if (result !== null) return result;
  const quantities = quantitiesIn(clause);
  return DIRECT.test(clause) ? (quantities[0] ?? null) : lastAsserted(quantities);
}

const OPERATOR = /(?:[-+*×÷/^]|\bx)[\s($]*$/i;

/** The first number after the last sign, unless a calculation begins with it: `15 = 5 * 3`. */
function chainResult(clause: string): Quantity | null {
  const parts = clause.split(EQUAL);
  const last = parts.length > 1 ? (parts.at(-1) ?? '') : '';
  const [result, next] = quantitiesIn(last);
  if (result === undefined) return null;
  if (next === undefined) return result;
  const between = last.slice(result.end, next.start);
  const isCalculation =
    OPERATOR.test(between) || (between.trim() === '' && next.text.startsWith('-'));
  return isCalculation ? null : result;
}

const SENTENCE_END = /(?<=[.!?])\s+|\n/;

/** The number of the last sentence with one: `She has 4 + 4 = 8 eggs after 4 days.` says 8. */
function lastNumber(plain: string): Quantity | null {
  const sentences = plain.split(SENTENCE_END).toReversed();
  for (const sentence of sentences) {
    const result = sentence.split(EQUAL).slice(1).at(-1) ?? '';
    const found = quantitiesIn(result)[0] ?? lastAsserted(quantitiesIn(sentence));
    if (found !== null) return found;
  }
  return null;
}

function lastAsserted(quantities: readonly Quantity[]): Quantity | null {
  return quantities.findLast(({ isDenied }) => !isDenied) ?? null;
}
