/**
 * Reads a formula into a tree by TeX's rules: an argument is a group or one token, so `\frac14` is a
 * quarter, `\frac\pi2` half of π and `\sqrt[3]2` a cube root. Products need no sign, a function
 * takes the product after it, a slash divides by the one factor after it. What it does not know is
 * refused as a whole: it never reads a part of a formula.
 */
import { unitOf } from '../units.ts';
import { bothSigns } from './both-signs.ts';
import type { Expression, TexAnswer } from './expression.ts';
import { CLOSING, ExpressionParser } from './expression-parser.ts';
import { NotUnderstood, understood } from './token-cursor.ts';
import { texTokens } from './tokens.ts';

const ELEMENT_COUNT_MAX = 64;

/** Whether `1,234` may be one number. It may also be a list of two. */
export interface TexReading {
  readonly groupsByComma: boolean;
}

/** @returns null where any part of the text is not understood */
export function readTex(source: string, reading: TexReading): TexAnswer | null {
  const tokens = texTokens(source);
  if (tokens === null || tokens.length === 0) return null;
  return understood(() => {
    const parser = new AnswerParser(source, tokens, reading.groupsByComma);
    const answer = parser.list(null);
    parser.expectEnd();
    return answer;
  });
}

export interface TexAtom {
  readonly expression: Expression;
  /** The index in the source after it. */
  readonly end: number;
}

/** The command with its arguments at the beginning of a text, as in `\frac12 of them`. */
export function readTexAtom(source: string): TexAtom | null {
  const tokens = texTokens(source, true);
  if (tokens === null) return null;
  return understood(() => {
    const parser = new AnswerParser(source, tokens, false);
    return { expression: parser.primary(), end: parser.consumedEnd() };
  });
}

const RELATIONS: ReadonlySet<string> = new Set([
  ...['=', '<', '>', '\\le', '\\ge', '\\ne', '\\approx', '\\in', '\\equiv'],
]);
const OPENS = /^(?:[([{]|\\\{)$/;
const CLOSES = /^(?:[)\]}]|\\\})$/;
const MATRIX = /^\{([bpB]?matrix|array)\}/;

class AnswerParser extends ExpressionParser {
  /** Elements between commas, semicolons and words, up to a closing bracket or the end. */
  list(close: readonly string[] | null): TexAnswer {
    const elements = this.elements(close);
    const [only] = elements;
    return elements.length === 1 && only !== undefined ? only : { kind: 'list', elements };
  }

  protected elements(close: readonly string[] | null): readonly TexAnswer[] {
    const elements: TexAnswer[] = [];
    do {
      for (const one of bothSigns(this.relation())) elements.push(one);
      if (elements.length > ELEMENT_COUNT_MAX) throw new NotUnderstood();
    } while (this.acceptSeparator());
    if (close !== null && !close.includes(this.peek())) throw new NotUnderstood();
    return elements;
  }

  protected acceptSeparator(): boolean {
    const before = this.at;
    if (this.peek() === ',' || this.peek() === ';') this.at += 1;
    const words = this.tokens[this.at]?.words?.trim().replaceAll(/^,\s*|\s*,$/g, '');
    if (words === 'and' || words === 'or' || words === '') this.at += 1;
    else if (/^(?:and|or)(?![A-Za-z])/.test(this.sourceHere())) {
      this.at += this.sourceHere().startsWith('and') ? 3 : 2;
    }
    return this.at > before;
  }

  protected relation(): TexAnswer {
    // `\approx 3.14` says 3.14.
    if (this.peek() === '\\approx' || this.peek() === '=') this.at += 1;
    const sides = [this.union()];
    const signs: string[] = [];
    while (RELATIONS.has(this.peek())) {
      signs.push(this.next());
      sides.push(this.union());
    }
    const [first] = sides;
    if (first === undefined || signs.length === 0) return first as TexAnswer;
    return named(signs, sides) ?? { kind: 'relation', signs, sides };
  }

  protected union(): TexAnswer {
    const elements = [this.value()];
    while (this.accept('\\cup')) elements.push(this.value());
    const [first] = elements;
    return elements.length === 1 ? (first as TexAnswer) : { kind: 'union', elements };
  }

  protected value(): TexAnswer {
    const structure = this.structure();
    if (structure !== null) return structure;
    const start = this.tokens[this.at]?.start ?? 0;
    const currency = this.acceptCurrency();
    const expression = this.sum();
    const { unit, bare } = this.unit(expression);
    const source = this.source.slice(start, this.consumedEnd());
    return { kind: 'value', expression: bare, unit: unit ?? currency, source };
  }

  protected acceptCurrency(): string | null {
    const sign = this.peek();
    if (sign !== '\\$' && !'€£¥₹'.includes(sign || ' ')) return null;
    this.at += 1;
    return unitOf(sign.replace('\\', ''));
  }

  protected unit(expression: Expression): { unit: string | null; bare: Expression } {
    if (this.accept('%')) return { unit: '%', bare: expression };
    if (expression.kind === 'call' && expression.name === 'degree') {
      const [bare] = expression.parts;
      const scale = /^[CF]$/.test(this.peek()) ? this.next() : '';
      return { unit: `°${scale}`, bare: bare ?? expression };
    }
    const found = this.unitHere();
    this.at += found?.tokenCount ?? 0;
    return { unit: found?.unit ?? null, bare: expression };
  }

  /** A tuple, an interval, a set or a matrix that is the whole element; else nothing is read. */
  protected structure(): TexAnswer | null {
    const open = this.peek();
    if (open === '\\begin') return this.matrix();
    const close = CLOSING[open];
    if (close === undefined || open === '{') return null;
    const isSet = open === '\\{';
    // Looked up first: a bracket that was read twice at every depth would take forever.
    if (!isSet && !this.hasSeparator()) return null;
    this.at += 1;
    if (isSet && this.accept('\\}')) return symbolAnswer('\\emptyset');
    const elements = this.nested(() => this.elements(close));
    const end = this.next();
    if (isSet) return elements.length === 1 ? (elements[0] ?? null) : { kind: 'list', elements };
    return { kind: 'group', brackets: open + end, elements };
  }

  /** Whether the bracket here holds several elements. */
  protected hasSeparator(): boolean {
    let depth = 0;
    for (let at = this.at; at < this.tokens.length; at += 1) {
      const text = this.tokens[at]?.text ?? '';
      if (OPENS.test(text)) depth += 1;
      else if (CLOSES.test(text)) depth -= 1;
      if (depth === 0) return false;
      if (depth === 1 && (text === ',' || text === ';')) return true;
    }
    return false;
  }

  protected matrix(): TexAnswer {
    const begin = this.tokens[this.at];
    const name = MATRIX.exec(this.source.slice(begin?.end ?? 0, (begin?.end ?? 0) + 12))?.[0];
    if (name === undefined) throw new NotUnderstood();
    this.skipGroup();
    if (name === '{array}') this.skipGroup();
    const rows: TexAnswer[][] = [[]];
    while (!this.accept('\\end')) {
      if (this.accept('\\\\')) {
        if (this.peek() !== '\\end') rows.push([]);
      } else if (!this.accept('&')) rows.at(-1)?.push(this.nested(() => this.union()));
      if (rows.length * (rows[0]?.length ?? 0) > ELEMENT_COUNT_MAX) throw new NotUnderstood();
    }
    this.at -= 1;
    this.skipGroup();
    return { kind: 'matrix', rows };
  }

  /** A command and the group after it, as in `\end{pmatrix}`. */
  protected skipGroup(): void {
    if (this.peek() !== '{') this.at += 1;
    while (this.next() !== '}');
  }
}

function symbolAnswer(name: string): TexAnswer {
  return { kind: 'value', expression: { kind: 'symbol', name }, unit: null, source: name };
}

const LEFT = /^[A-Za-z](?:\([A-Za-z]\))?$/;

/** `x = 5`, `f(x) = 2x` and `x \in [1,2]` name what stands on their right. */
function named(signs: readonly string[], sides: readonly TexAnswer[]): TexAnswer | null {
  const [left, ...rest] = sides;
  if (left?.kind !== 'value' || left.unit !== null) return null;
  const variable = left.source.replaceAll(/\s|\\left|\\right/g, '');
  const [sign, ...others] = signs;
  if (!LEFT.test(variable) || (sign !== '=' && sign !== '\\in' && sign !== '\\approx')) return null;
  const [only] = rest;
  if (rest.length === 1 && only !== undefined) return { kind: 'named', variable, answer: only };
  return { kind: 'named', variable, answer: { kind: 'relation', signs: others, sides: rest } };
}
