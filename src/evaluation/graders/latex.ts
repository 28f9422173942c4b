/**
 * Grades answers in LaTeX, as in competition mathematics. Answers are equal in one spelling
 * (latex-form.ts), element by element in tuples, intervals, sets, lists, unions and matrices, and
 * by value where both are plain numbers. There is no algebra: `(x+1)^2` is not `x^2+2x+1`,
 * `\frac{1}{\sqrt{2}}` is not `\frac{\sqrt{2}}{2}`, and a sum in another order is wrong.
 */
import type { Grade } from '../question.ts';
import { bracedArguments } from './braces.ts';
import { type MarkReader, readMarks, withoutOpenBox } from './final-answer.ts';
import { latexForm } from './latex-form.ts';
import { decimal, isSame, negative, over, plus, type Rational } from './rational.ts';

/** Longer or deeper answers are compared by their spelling alone. */
const DEPTH_MAX = 8;
const ELEMENT_COUNT_MAX = 64;

export function gradeLatex(output: string, answer: string): Grade {
  const found = findLatex(withoutOpenBox(output));
  if (found === null) return { isRight: false, extracted: null };
  return { isRight: isSameLatex(found, answer), extracted: found };
}

const READER: MarkReader<string> = {
  read: (content, form) => {
    const isProse = form === 'claim' || form === 'label';
    const math = MATH_FIRST.exec(content.trim());
    const formula = math?.slice(1).find((part) => part !== undefined);
    const value = (formula ?? (isProse ? clause(content) : content)).trim();
    const boxed = /\\boxed\s*(?=\{)/.exec(value);
    const inner = boxed === null ? null : bracedArguments(value, boxed.index + boxed[0].length, 1);
    const answer = inner?.values[0]?.trim() ?? value;
    return answer === '' ? null : answer;
  },
  // `The answer is correct.` claims something else.
  isDirect: (content, form) =>
    DIRECT.test(content) || (form === 'label' && /^\p{L}+[.]?$/u.test(content)),
};

const DIRECT = /^(?:[$\\\d([{.+-]|[A-Za-z](?:\.?$| ?[=+*^-]))/;
/** `!` is a factorial, and the point of `3.\overline{3}` is no full stop. */
const SENTENCE = /^.*?[.?](?=[\s*"'”)]|$)/;
/** The reason is no part of the answer. */
const REASON = /[\s,;(]+(?:because|since|as|given|which|where|when|if|after)\b.*$/i;
const MATH_FIRST = /^(?:\$\$?(.+?)(?<!\\)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\])/s;
const MATH = /\$\$(.+?)\$\$|(?<!\\)\$(.+?)(?<!\\)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]/gs;
const NUMBER = /(?<![\w.])-?(?:\d[\d,]*\d|\d)(?:\.\d+)?(?:\/\d+)?(?!\w)/g;

/** The answer of a claim in words, without the rest of the sentence. */
function clause(content: string): string {
  const sentence = SENTENCE.exec(content)?.[0] ?? content;
  return sentence.replace(REASON, '');
}

/** The marks, else the result of the last formula, else the last number. */
function findLatex(output: string): string | null {
  const marked = readMarks(output, READER);
  if (marked !== null) return marked;
  const formula = [...output.matchAll(MATH)]
    .at(-1)
    ?.slice(1)
    .find((part) => part !== undefined);
  const result = formula?.split('=').at(-1)?.trim() ?? '';
  return result === '' ? ([...output.matchAll(NUMBER)].at(-1)?.[0] ?? null) : result;
}

export function isSameLatex(a: string, b: string): boolean {
  const [left, right] = [latexForm(a), latexForm(b)];
  // `y = 2` is not `x = 2`, but both are right where the question asks for one value.
  const isOther = left.variable !== null && right.variable !== null;
  if (isOther && left.variable !== right.variable) return false;
  return isSameValue(left.value, right.value, 0);
}

function isSameValue(a: string, b: string, depth: number): boolean {
  if (a === b) return true;
  const [x, y] = [plainNumber(a), plainNumber(b)];
  if (x !== null || y !== null) return x !== null && y !== null && isSame(x, y);
  if (depth >= DEPTH_MAX) return false;
  const [left, right] = [structure(a), structure(b)];
  if (left === null || right === null || left.kind !== right.kind) return false;
  if (left.elements.length !== right.elements.length) return false;
  if (left.elements.length > ELEMENT_COUNT_MAX) return false;
  return left.isOrdered
    ? left.elements.every((element, index) =>
        isSameValue(element, right.elements[index] ?? '', depth + 1),
      )
    : isSameSet(left.elements, right.elements, depth + 1);
}

function isSameSet(a: readonly string[], b: readonly string[], depth: number): boolean {
  const rest = [...b];
  return a.every((element) => {
    const at = rest.findIndex((other) => isSameValue(element, other, depth));
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
}

const PLAIN_NUMBER = /^([+-]?)(\d*\.?\d*)(?:\\frac\{(-?[\d.]+)\}\{([\d.]+)\})?$/;

/** `-3`, `.5`, `\frac{3}{4}`, `1\frac{4}{5}` by value; null for anything with a letter in it. */
function plainNumber(value: string): Rational | null {
  const [, sign, whole = '', above, below] = PLAIN_NUMBER.exec(value) ?? [];
  const first = whole === '' ? null : decimal(whole);
  const [x, y] = [decimal(above ?? ''), decimal(below ?? '')];
  const second = x === null || y === null ? null : over(x, y);
  const size = first !== null && second !== null ? plus(first, second) : (first ?? second);
  if (size === null || (above !== undefined && second === null)) return null;
  return sign === '-' ? negative(size) : size;
}

interface Structure {
  /**
   * Answers of one kind compare element by element: the brackets, `list`, `union` or the matrix's
   * shape.
   */
  readonly kind: string;
  readonly isOrdered: boolean;
  readonly elements: readonly string[];
}

const MATRIX = /^\\begin\{pmatrix\}(.*)\\end\{pmatrix\}$/s;
const SINGLE_LETTER = /^\(?([a-z])\)?$/i;

function structure(value: string): Structure | null {
  const letter = SINGLE_LETTER.exec(value)?.[1];
  if (letter !== undefined)
    return { kind: 'letter', isOrdered: true, elements: [letter.toLowerCase()] };
  const matrix = MATRIX.exec(value)?.[1];
  if (matrix !== undefined) return matrixStructure(matrix);
  const parts = splitOutside(value, '\\cup');
  if (parts.length > 1) return { kind: 'union', isOrdered: false, elements: parts };
  const listed = splitOutside(value, ',');
  const bracketed = listed.length > 1 ? null : enclosed(value);
  if (bracketed !== null) return bracketed;
  const elements = withBothSigns(listed);
  return elements.length > 1 ? { kind: 'list', isOrdered: false, elements } : null;
}

function matrixStructure(body: string): Structure {
  const rows = body.split('\\\\').filter((row) => row.trim() !== '');
  const cells = rows.map((row) => row.split('&').map((cell) => latexForm(cell).value));
  const shape = cells.map((row) => row.length).join(',');
  return { kind: `matrix ${shape}`, isOrdered: true, elements: cells.flat() };
}

/** A tuple, an interval or a set; a set in braces compares with a bare list. */
function enclosed(value: string): Structure | null {
  const set = /^\\\{(.*)\\\}$/s.exec(value)?.[1];
  if (set !== undefined) {
    return { kind: 'list', isOrdered: false, elements: withBothSigns(splitOutside(set, ',')) };
  }
  const [, open, inner = '', close] = /^([([])(.*)([)\]])$/s.exec(value) ?? [];
  const elements = splitOutside(inner, ',');
  if (open === undefined || elements.length < 2) return null;
  return { kind: `${open}${close}`, isOrdered: true, elements };
}

/** `1\pm\sqrt{5}` stands for two numbers. */
function withBothSigns(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => {
    if (value.split('\\pm').length !== 2) return [value];
    const plain = value.replace(/^\\pm\s?/, '+').replace(/\\pm\s?/, '+');
    return [plain.replace(/^\+/, ''), value.replace(/\\pm\s?/, '-')];
  });
}

/** Splits at separators outside all brackets and braces. */
function splitOutside(value: string, separator: string): readonly string[] {
  const parts: string[] = [];
  let [depth, start] = [0, 0];
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at] ?? '';
    if (depth === 0 && value.startsWith(separator, at)) {
      parts.push(value.slice(start, at).trim());
      start = at + separator.length;
    } else if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
  }
  return [...parts, value.slice(start).trim()];
}
