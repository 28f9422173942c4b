/** Grades answers that are one number. The rules, with examples: docs/GRADERS.md. */
import type { Grade } from '../question.ts';
import {
  type Found,
  type MarkForm,
  type MarkReader,
  type MarkReading,
  readAnswer,
  wrong,
} from './final-answer.ts';
import { gradeLatex } from './latex.ts';
import { bareFormula } from './latex-form.ts';
import { plainText, type Quantity, quantitiesIn } from './quantity.ts';
import { decimal, isSame, over, type Rational } from './rational.ts';
import { exactValue } from './tex/exact.ts';
import { type Expression, isWorkedOut, type TexAnswer, variablesOf } from './tex/expression.ts';
import { readTex } from './tex/parse.ts';
import { unitOf } from './units.ts';

/** An answer that was read. */
export interface NumberFound extends Pick<Quantity, 'isPercent' | 'unit' | 'text'> {
  /** Null: understood, but no fraction, as `\sqrt2` or `2x`. */
  readonly value: Rational | null;
}

export function gradeNumber(output: string, answer: string): Grade {
  const wanted = readNumber(answer);
  // A constant such as `\sqrt2` or `\frac\pi2` is a number that is written in LaTeX.
  if (wanted === null && isConstant(answer)) return gradeLatex(output, answer);
  const found = findNumber(output);
  if (found.value === null) return wrong(found.why);
  const isRight = wanted !== null && isSameNumber(found.value, wanted);
  return { isRight, extracted: found.value.text, why: found.why };
}

/** The one number of a text with no more than its currency or unit; null for any other text. */
export function readNumber(text: string): Quantity | null {
  const plain = plainText(text);
  const [first, ...others] = quantitiesIn(plain);
  if (first === undefined || others.length > 0) return readFormula(text);
  return /^[\s$(]*$/.test(plain.slice(0, first.start)) ? first : readFormula(text);
}

function readFormula(text: string): Quantity | null {
  const found = formulaValue(text);
  if (found === null || found.value === null) return null;
  return { ...found, value: found.value, isDenied: false, start: 0, end: text.length };
}

/** Whether a text is a formula without variables, as `\sqrt[3]2`. */
export function isConstant(text: string): boolean {
  return formulaValue(text)?.isConstant === true;
}

const AROUND = /^(?:[\s$€£¥₹().,;:]|USD|EUR|GBP|INR)*$/;

/** Whether a text is one number with only currency, per cent or punctuation around it. */
export function isBareNumber(text: string): boolean {
  const plain = plainText(text);
  const [found, ...others] = quantitiesIn(plain);
  if (found === undefined || others.length > 0) return false;
  return AROUND.test(plain.slice(0, found.start) + plain.slice(found.end));
}

/** The answer of an output, by the order of precedence in final-answer.ts; else its last number. */
export function findNumber(output: string): Found<NumberFound> | Found<null> {
  return readAnswer(output, READER, lastNumber);
}

/**
 * A per cent sign is a unit (45% is 45), unless the right answer has one: then 0.45 is right too. A
 * unit counts where both have one.
 */
function isSameNumber(found: NumberFound, wanted: Quantity): boolean {
  if (found.value === null) return false;
  if (found.unit !== null && wanted.unit !== null && found.unit !== wanted.unit) return false;
  if (isSame(found.value, wanted.value)) return true;
  const hundred = decimal('100');
  if (!wanted.isPercent || found.isPercent || hundred === null) return false;
  const share = over(wanted.value, hundred);
  return share !== null && isSame(found.value, share);
}

const READER: MarkReader<NumberFound> = {
  read: (content, form) => readContent(content, form),
  isDirect: (content, form) => {
    if (leadingFormula(content) !== null) return true;
    const plain = plainText(content);
    return form === 'hash' ? DIRECT.test(plain) && !HEADING.test(plain) : DIRECT.test(plain);
  },
};

/** Signs and words that may stand before a direct number. */
const DIRECT = new RegExp(
  [
    String.raw`^(?:[^\p{L}\d◊]|\b(?:approximately|about|around|roughly|nearly|exactly|simply|just`,
    '|only|therefore|thus|then|indeed|also|still|now|probably|clearly|equal to|[a-z] ',
    String.raw`(?==)))*\d`,
  ].join(''),
  'iu',
);
const HEADING = /^\d+[.):]\s+\S/;
const SENTENCE = /^.*?[.!?](?=[\s*"'”)$\\]|$)/;
/** The text after these words is the reason, not the answer. */
const REASON = new RegExp(
  [
    String.raw`\b(?:because|since|as|given|which|where|when|if|after|so that)\b.*$|[,;:]\s*(?:then`,
    String.raw`|so|but)\b.*$|(?<=\d[^=≈]{0,40})\([^()]*=.*$`,
  ].join(''),
  'i',
);
const EQUAL = /[=≈]/;

/** The answer of a longer box is read from its beginning. */
const CONTENT_LENGTH_MAX = 1000;

function readContent(whole: string, form: MarkForm): MarkReading<NumberFound> {
  const content = whole.slice(0, CONTENT_LENGTH_MAX);
  if (readNumberOnly(content) === null) {
    const isWhole = form === 'box' || form === 'tag' || form === 'hash';
    const formula = isWhole ? content : leadingFormula(content);
    const value = formula === null ? null : formulaValue(formula);
    if (value !== null) return { value };
  }
  const plain = plainText(content);
  const sentence = SENTENCE.exec(plain)?.[0] ?? plain;
  if (isHedge(sentence)) return 'unclear';
  const said = sentence.replace(REASON, '');
  const found =
    readClause(said) ?? (form === 'box' ? null : clauseFormula(said)) ?? readClause(sentence);
  return found === null ? null : { value: found };
}

/** The one number of a content that holds nothing else: most do, and are read fastest so. */
function readNumberOnly(content: string): Quantity | null {
  const plain = plainText(content);
  const [first, ...others] = quantitiesIn(plain);
  if (first === undefined || others.length > 0) return null;
  if (!AROUND.test(plain.slice(0, first.start))) return null;
  const after = plain.slice(first.end);
  return AROUND.test(after) || unitOf(after) !== null ? first : null;
}

/** `2^10` in a claim. */
function clauseFormula(clause: string): NumberFound | null {
  return clause.length > 60 ? null : formulaValue(clause.replace(/[.!?\s*]+$/, ''));
}

const FORMULA_FIRST =
  /^[\s*_]*(?:\$\$?([^$]{1,300}?)(?<!\\)\$\$?|\\\((.{1,300}?)\\\)|\\\[(.{1,300}?)\\\])/s;

/** A formula in its delimiters at the beginning. `$18 a day and $5` is money. */
function leadingFormula(content: string): string | null {
  const formula = FORMULA_FIRST.exec(content)
    ?.slice(1)
    .find((part) => part !== undefined);
  if (formula === undefined || formulaValue(formula) === null) return null;
  return formula;
}

interface FormulaValue extends NumberFound {
  readonly isConstant: boolean;
}

/** The value of a text that is one formula as a whole; null for every other text. */
function formulaValue(text: string): FormulaValue | null {
  const bare = bareFormula(text);
  if (bare.length > 300 || /^\d+-\d+$/.test(bare)) return null;
  const answer = readTex(bare, { groupsByComma: true });
  const side = answer === null ? null : valueSide(answer);
  if (side === null) return null;
  const { expression, unit } = side;
  // `\boxed{18 + 14}` leaves the work to the reader.
  const value = isWorkedOut(expression) ? exactValue(expression, new Map()) : null;
  const isPercent = unit === '%';
  const isConstant = variablesOf(expression).size === 0;
  // Words read as products of letters.
  if (!isConstant && WORDS.test(bare)) return null;
  if (!/[\d\\]/.test(bare)) return null;
  return { value, isPercent, unit, text: bare, isConstant };
}

const WORDS = /(?<!\\)\b[A-Za-z]{3,}|[A-Za-z] +[A-Za-z]/;

/** The one value of `x = 9 \cdot 2 = 18`; null where the sides differ. */
function valueSide(answer: TexAnswer): { expression: Expression; unit: string | null } | null {
  if (answer.kind === 'value') return answer;
  if (answer.kind === 'named') return valueSide(answer.answer);
  if (answer.kind !== 'relation' || !answer.signs.every((sign) => sign === '=')) return null;
  const values = answer.sides.map((side) => {
    return side.kind === 'value' ? exactValue(side.expression, new Map()) : null;
  });
  const [first] = values;
  const areSame = values.every((value) => {
    return value !== null && first !== null && first !== undefined && isSame(value, first);
  });
  const last = answer.sides.at(-1);
  return areSame && last?.kind === 'value' ? last : null;
}

/** Two numbers and no more: `18 or 20 dollars`, `3-5`. */
function isHedge(sentence: string): boolean {
  if (!DIRECT.test(sentence) || EQUAL.test(sentence)) return false;
  const [first, second, ...others] = quantitiesIn(sentence);
  if (first === undefined || second === undefined || others.length > 0) return false;
  const between = sentence.slice(first.end, second.start);
  if (!HEDGE.test(between) || isSame(first.value, second.value) || second.isDenied) return false;
  return HEDGE_END.test(sentence.slice(second.end));
}

const HEDGE = /^[\s*$]*(?:\p{L}+[\s*]+)?(?:or|and|to|-|,)(?:[\s*$]*|\s+maybe\s+)$/iu;
const HEDGE_END = /^[\s*$)]*(?:\p{L}+)?[\s*$).!?]*$/u;

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

const SENTENCE_END = /(?<=[.!?])\s+/;

/** The number of the last sentence with one: `She has 4 + 4 = 8 eggs after 4 days.` says 8. */
function lastNumber(output: string): Found<NumberFound> | null {
  for (const line of output.split('\n').toReversed()) {
    if (!/\p{N}/u.test(line)) continue;
    for (const sentence of plainText(line).split(SENTENCE_END).toReversed()) {
      const result = sentence.split(EQUAL).slice(1).at(-1) ?? '';
      const found = quantitiesIn(result)[0] ?? lastAsserted(quantitiesIn(sentence));
      if (found !== null) return { value: found, why: 'the last sentence with a number' };
    }
  }
  return null;
}

function lastAsserted(quantities: readonly Quantity[]): Quantity | null {
  return quantities.findLast(({ isDenied }) => !isDenied) ?? null;
}
