/**
 * Grades answers in LaTeX, as in competition mathematics. Both are read as formulas (tex/parse.ts)
 * and compared by value, part by part in tuples, intervals, sets, lists, unions and matrices. What
 * is not understood as a formula is compared in one spelling (latex-form.ts).
 */
import type { Grade } from '../question.ts';
import { bracedArguments } from './braces.ts';
import { type Found, type MarkReader, readAnswer, wrong } from './final-answer.ts';
import { bareFormula, latexForm } from './latex-form.ts';
import type { TexAnswer } from './tex/expression.ts';
import { readTex } from './tex/parse.ts';
import { isSameAnswer } from './tex/same-answer.ts';

/** The answer of a longer box is compared by its spelling alone. */
const FORMULA_LENGTH_MAX = 2000;

export function gradeLatex(output: string, answer: string): Grade {
  const found = readAnswer(output, READER, lastFormula);
  if (found.value === null) return wrong(found.why);
  const isRight = isSameLatex(found.value, answer);
  return { isRight, extracted: found.value, why: found.why };
}

const READER: MarkReader<string> = {
  read: (content, form) => {
    const isProse = form === 'claim' || form === 'label';
    const math = MATH_FIRST.exec(content.trim());
    const formula = joinedFormulas(content.trim(), math);
    const value = (formula ?? (isProse ? clause(content) : content)).trim();
    const boxed = /\\boxed\s*(?=\{)/.exec(value);
    const inner = boxed === null ? null : bracedArguments(value, boxed.index + boxed[0].length, 1);
    const answer = inner?.values[0]?.trim() ?? value;
    return answer === '' ? null : { value: answer };
  },
  // `The answer is correct.` claims something else.
  isDirect: (content, form) =>
    DIRECT.test(content) || (form === 'label' && /^\p{L}+[.]?$/u.test(content)),
};

const DIRECT = new RegExp(
  [
    String.raw`^(?:\*\*)?(?:(?:approximately|about|exactly|simply|just|therefore|thus|then|indeed`,
    String.raw`|also|still|now) )?(?:[$\\\d([{.+\-−–‐‑√π±]|[A-Za-z](?:\.?$| ?(?:[=+*^<>_/-]|\\(?:in`,
    String.raw`|leq?|geq?|neq?)(?![A-Za-z])))|[A-Z]\b[.,)]|(?:sqrt|pi)\b)`,
  ].join(''),
);
/** `!` is a factorial, and the point of `3.\overline{3}` is no full stop. */
const SENTENCE = /^.*?[.?](?=[\s*"'”)]|$)/;
/** The reason is no part of the answer. */
const REASON = /[\s,;:(]+(?:because|since|as|given|which|where|when|if|after|so|then)\b.*$/i;
const MATH_FIRST =
  /^(?:\*\*)?(?:\$\$?(.{1,2000}?)(?<!\\)\$\$?|\\\((.{1,2000}?)\\\)|\\\[(.{1,2000}?)\\\])/s;
const MATH =
  /\$\$(.{1,1000}?)\$\$|(?<!\\)\$(.{1,1000}?)(?<!\\)\$|\\\((.{1,1000}?)\\\)|\\\[(.{1,1000}?)\\\]/gs;
const NUMBER = /(?<![\w.\\{^])[-−]?(?:\d[\d,]*\d|\d)(?:\.\d+)?(?:\/\d+)?(?![\w^\\])/g;

/** `$x=2$ and $y=3$` as `x=2, y=3`. */
function joinedFormulas(content: string, first: RegExpExecArray | null): string | null {
  const formulas: string[] = [];
  let rest = content;
  for (let math = first; math !== null && formulas.length < FORMULA_COUNT_MAX; ) {
    formulas.push(math.slice(1).find((part) => part !== undefined) ?? '');
    rest = rest.slice(math[0].length);
    const joint = JOINT.exec(rest)?.[0];
    rest = rest.slice(joint?.length ?? 0);
    math = joint === undefined ? null : MATH_FIRST.exec(rest);
  }
  return formulas.length === 0 ? null : formulas.join(', ');
}

const JOINT = /^\s*(?:,|,?\s*\b(?:and|or))\s+(?=[$\\])/;
const FORMULA_COUNT_MAX = 10;

/** The answer of a claim in words, without the rest of the sentence. */
function clause(content: string): string {
  const sentence = SENTENCE.exec(content)?.[0] ?? content;
  return sentence.replace(REASON, '');
}

/** The result of the last formula, else the last number. */
function lastFormula(output: string): Found<string> | null {
  const formula = [...output.matchAll(MATH)]
    .at(-1)
    ?.slice(1)
    .find((part) => part !== undefined);
  const result = formula?.split('=').at(-1)?.trim() ?? '';
  if (result !== '') return { value: result, why: 'the last formula' };
  const number = [...output.matchAll(NUMBER)].at(-1)?.[0];
  return number === undefined ? null : { value: number, why: 'the last number' };
}

/** @param a the answer of an output, `b` the right one */
export function isSameLatex(a: string, b: string): boolean {
  if (isSpelledAlike(a, b) || isOption(a, b)) return true;
  const [left, right] = [readings(a), readings(b)];
  return left.some((one) => right.some((other) => isSameAnswer(one, other, isSpelledAlike)));
}

/** What a text says as a formula: nothing where it is none, two things for `1,234`. */
function readings(text: string): readonly TexAnswer[] {
  const formula = bareFormula(text);
  if (formula.length > FORMULA_LENGTH_MAX) return [];
  const found = [readTex(formula, { groupsByComma: false })];
  if (/\d,\d{3}(?!\d)/.test(formula)) found.push(readTex(formula, { groupsByComma: true }));
  return found.filter((answer) => answer !== null);
}

function isSpelledAlike(a: string, b: string): boolean {
  return latexForm(a) === latexForm(b);
}

/** `(B) 5` where the right answer is the option `\text{(B)}`. */
function isOption(answer: string, right: string): boolean {
  const letter = /^\\text\s*\{\s*\(?([A-Z])\)?\s*\}$/.exec(right.trim())?.[1];
  if (letter === undefined) return false;
  return new RegExp(`^\\(?${letter}[).:](?![A-Za-z])`, 'i').test(latexForm(answer));
}
