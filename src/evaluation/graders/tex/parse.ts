/**
 * Reads a formula into a tree by TeX's rules: an argument is a group or one token, so `\frac14` is a
 * quarter, `\frac\pi2` half of π and `\sqrt[3]2` a cube root. Products need no sign, a function
 * takes the product after it, a slash divides by the one factor after it. What it does not know is
 * refused as a whole: it never reads a part of a formula.
 */
import { decimal, over, plus, type Rational, ratio } from '../rational.ts';
import { isPlainUnit, unitOf } from '../units.ts';
import { call, type Expression, TEX_FUNCTIONS, type TexAnswer } from './expression.ts';
import { type Token, texTokens } from './tokens.ts';

/** Deeper formulas are no answers, and the parser recurses. */
const DEPTH_MAX = 60;
const ELEMENT_COUNT_MAX = 64;

/** Thrown and caught in this file: a formula that is not understood. */
class NotUnderstood extends Error {}

/** Whether `1,234` may be one number. It may also be a list of two. */
export interface TexReading {
  readonly groupsByComma: boolean;
}

/** @returns null where any part of the text is not understood */
export function readTex(source: string, reading: TexReading): TexAnswer | null {
  const tokens = texTokens(source);
  if (tokens === null || tokens.length === 0) return null;
  return understood(() => {
    const parser = new Parser(source, tokens, reading);
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
    const parser = new Parser(source, tokens, { groupsByComma: false });
    return { expression: parser.primary(), end: parser.consumedEnd() };
  });
}

function understood<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotUnderstood) return null;
    throw error;
  }
}

const RELATIONS: ReadonlySet<string> = new Set([
  ...['=', '<', '>', '\\le', '\\ge', '\\ne', '\\approx', '\\in', '\\equiv'],
]);
const FUNCTIONS: ReadonlyMap<string, (typeof TEX_FUNCTIONS)[number]> = new Map(
  TEX_FUNCTIONS.map((name) => [`\\${name}`, name]),
);
const GREEK =
  /^\\(?:var)?(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|rho|sigma|tau|upsilon|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega|pi|infty|emptyset|ell)$/;
const DIGIT = /^\d$/;
const LETTER = /^[A-Za-z]$/;
const CLOSING: Readonly<Record<string, readonly string[]>> = {
  '(': [')', ']'],
  '[': [']', ')'],
  '{': ['}'],
  '\\{': ['\\}'],
  '\\langle': ['\\rangle'],
};
const OPENS = /^(?:[([{]|\\\{)$/;
const CLOSES = /^(?:[)\]}]|\\\})$/;
const UNIT_END = /^(?:[,;)\]|=<>}]|\\[\\}]|&|\\cup|\\approx|\\end)$/;
const UNIT_TOKENS_MAX = 30;
/** Longer exponents are refused later, like all too large ones. */
const EXPONENT_DIGITS_MAX = 400;
const MATRIX = /^\{([bpB]?matrix|array)\}/;

class Parser {
  #at = 0;
  #depth = 0;
  /** Inside `|…|` a bar ends the value. */
  #barCount = 0;

  private readonly source: string;
  private readonly tokens: readonly Token[];
  private readonly reading: TexReading;

  constructor(source: string, tokens: readonly Token[], reading: TexReading) {
    this.source = source;
    this.tokens = tokens;
    this.reading = reading;
  }

  expectEnd(): void {
    if (this.#at < this.tokens.length) throw new NotUnderstood();
  }

  consumedEnd(): number {
    return this.tokens[this.#at - 1]?.end ?? 0;
  }

  /** Elements between commas, semicolons and words, up to a closing bracket or the end. */
  list(close: readonly string[] | null): TexAnswer {
    const elements = this.elements(close);
    const [only] = elements;
    return elements.length === 1 && only !== undefined ? only : { kind: 'list', elements };
  }

  private elements(close: readonly string[] | null): readonly TexAnswer[] {
    const elements: TexAnswer[] = [];
    do {
      for (const one of bothSigns(this.relation())) elements.push(one);
      if (elements.length > ELEMENT_COUNT_MAX) throw new NotUnderstood();
    } while (this.acceptSeparator());
    if (close !== null && !close.includes(this.peek())) throw new NotUnderstood();
    return elements;
  }

  private acceptSeparator(): boolean {
    const before = this.#at;
    if (this.peek() === ',' || this.peek() === ';') this.#at += 1;
    const words = this.tokens[this.#at]?.words?.trim().replaceAll(/^,\s*|\s*,$/g, '');
    if (words === 'and' || words === 'or' || words === '') this.#at += 1;
    else if (/^(?:and|or)(?![A-Za-z])/.test(this.sourceHere())) {
      this.#at += this.sourceHere().startsWith('and') ? 3 : 2;
    }
    return this.#at > before;
  }

  private sourceHere(): string {
    const token = this.tokens[this.#at];
    return token === undefined ? '' : this.source.slice(token.start, token.start + 60);
  }

  private relation(): TexAnswer {
    // `\approx 3.14` says 3.14.
    if (this.peek() === '\\approx' || this.peek() === '=') this.#at += 1;
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

  private union(): TexAnswer {
    const elements = [this.value()];
    while (this.accept('\\cup')) elements.push(this.value());
    const [first] = elements;
    return elements.length === 1 ? (first as TexAnswer) : { kind: 'union', elements };
  }

  private value(): TexAnswer {
    const structure = this.structure();
    if (structure !== null) return structure;
    const start = this.tokens[this.#at]?.start ?? 0;
    const currency = this.acceptCurrency();
    const expression = this.sum();
    const { unit, bare } = this.unit(expression);
    const source = this.source.slice(start, this.consumedEnd());
    return { kind: 'value', expression: bare, unit: unit ?? currency, source };
  }

  private acceptCurrency(): string | null {
    const sign = this.peek();
    if (sign !== '\\$' && !'€£¥₹'.includes(sign || ' ')) return null;
    this.#at += 1;
    return unitOf(sign.replace('\\', ''));
  }

  private unit(expression: Expression): { unit: string | null; bare: Expression } {
    if (this.accept('%')) return { unit: '%', bare: expression };
    if (expression.kind === 'call' && expression.name === 'degree') {
      const [bare] = expression.parts;
      const scale = /^[CF]$/.test(this.peek()) ? this.next() : '';
      return { unit: `°${scale}`, bare: bare ?? expression };
    }
    const found = this.unitHere();
    this.#at += found?.tokenCount ?? 0;
    return { unit: found?.unit ?? null, bare: expression };
  }

  /** The unit that the rest of the element is, with `\text` around it or in letters. */
  private unitHere(): { readonly unit: string; readonly tokenCount: number } | null {
    const tokens = this.elementRest();
    const text = tokens
      .map(({ gap, words, text: sign }) => `${gap && ' '}${words ?? sign}`)
      .join('');
    const plain = text.trim().replaceAll(/\s+/g, ' ');
    const isText = tokens.some(({ words }) => words !== undefined);
    const unit = isText || isPlainUnit(plain) ? unitOf(plain) : null;
    return unit === null ? null : { unit, tokenCount: tokens.length };
  }

  /** The tokens up to the end of the element; no more than a unit may have. */
  private elementRest(): readonly Token[] {
    const rest = this.tokens.slice(this.#at, this.#at + UNIT_TOKENS_MAX);
    let depth = 0;
    const end = rest.findIndex(({ text }) => {
      if (depth === 0 && UNIT_END.test(text)) return true;
      if (text === '{') depth += 1;
      if (text === '}') depth -= 1;
      return false;
    });
    return end < 0 ? rest : rest.slice(0, end);
  }

  /** A tuple, an interval, a set or a matrix that is the whole element; else nothing is read. */
  private structure(): TexAnswer | null {
    const open = this.peek();
    if (open === '\\begin') return this.matrix();
    const close = CLOSING[open];
    if (close === undefined || open === '{') return null;
    const isSet = open === '\\{';
    // Looked up first: a bracket that was read twice at every depth would take forever.
    if (!isSet && !this.hasSeparator()) return null;
    this.#at += 1;
    if (isSet && this.accept('\\}')) return symbolAnswer('\\emptyset');
    const elements = this.nested(() => this.elements(close));
    const end = this.next();
    if (isSet) return elements.length === 1 ? (elements[0] ?? null) : { kind: 'list', elements };
    return { kind: 'group', brackets: open + end, elements };
  }

  /** Whether the bracket here holds several elements. */
  private hasSeparator(): boolean {
    let depth = 0;
    for (let at = this.#at; at < this.tokens.length; at += 1) {
      const text = this.tokens[at]?.text ?? '';
      if (OPENS.test(text)) depth += 1;
      else if (CLOSES.test(text)) depth -= 1;
      if (depth === 0) return false;
      if (depth === 1 && (text === ',' || text === ';')) return true;
    }
    return false;
  }

  private matrix(): TexAnswer {
    const begin = this.tokens[this.#at];
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
    this.#at -= 1;
    this.skipGroup();
    return { kind: 'matrix', rows };
  }

  /** A command and the group after it, as in `\end{pmatrix}`. */
  private skipGroup(): void {
    if (this.peek() !== '{') this.#at += 1;
    while (this.next() !== '}');
  }

  private sum(): Expression {
    let sum = this.signed();
    for (;;) {
      const sign = this.peek();
      if (sign === '+') {
        this.#at += 1;
        sum = call('+', sum, this.product());
      } else if (sign === '-') {
        this.#at += 1;
        sum = call('+', sum, call('-', this.product()));
      } else if (sign === '\\pm') {
        this.#at += 1;
        sum = call('+', sum, call('±', this.product()));
      } else return sum;
    }
  }

  private signed(): Expression {
    if (this.accept('+')) return this.product();
    if (this.accept('\\pm')) return call('±', this.product());
    if (this.accept('-')) return this.nested(() => negated(this.signed()));
    return this.product();
  }

  private product(): Expression {
    let product = this.factor();
    for (;;) {
      const sign = this.peek();
      if (sign === '\\cdot' || sign === '\\times') {
        this.#at += 1;
        product = call('*', product, this.signedFactor());
      } else if (sign === '/' || sign === '\\div') {
        this.#at += 1;
        product = call('/', product, this.signedFactor());
      } else if (this.beginsFactor()) product = this.juxtaposed(product);
      else return product;
    }
  }

  /** Two factors side by side. Two numbers are none: `2 3` says nothing. */
  private juxtaposed(before: Expression): Expression {
    const startsWithDigit = DIGIT.test(this.peek());
    if (startsWithDigit && before.kind === 'number') throw new NotUnderstood();
    const after = this.factor();
    if (isWhole(before) && isPlainFraction(after)) return call('+', before, after);
    return call('*', before, after);
  }

  private beginsFactor(): boolean {
    const text = this.peek();
    if (text === '|') return this.#barCount === 0;
    if (text === '\\text' || text === '') return false;
    if (LETTER.test(text) && (this.unitHere() !== null || this.isWord())) return false;
    return (
      DIGIT.test(text) ||
      LETTER.test(text) ||
      ['(', '[', '{', '\\frac', '\\sqrt', '\\binom', '\\log', '\\lfloor', '\\lceil', '.'].includes(
        text,
      ) ||
      FUNCTIONS.has(text) ||
      GREEK.test(text)
    );
  }

  /** Whether `and` or `or` separates elements here. */
  private isWord(): boolean {
    const token = this.tokens[this.#at];
    return token !== undefined && token.gap !== '' && /^(?:and|or)\b/.test(this.sourceHere());
  }

  private signedFactor(): Expression {
    if (this.accept('-')) return this.nested(() => negated(this.signedFactor()));
    return this.factor();
  }

  /** A primary with its powers, factorials and degrees. */
  private factor(): Expression {
    let factor = this.primary();
    for (;;) {
      if (this.peek() === '^') {
        this.#at += 1;
        if (this.acceptDegree()) factor = call('degree', factor);
        else
          factor = call(
            '^',
            factor,
            this.nested(() => this.exponent()),
          );
      } else if (this.accept('\\degree')) factor = call('degree', factor);
      else if (this.accept('!')) factor = call('!', factor);
      else if (/^[²³]$/.test(this.peek())) {
        factor = call('^', factor, whole(this.next() === '²' ? 2n : 3n));
      } else return factor;
    }
  }

  private acceptDegree(): boolean {
    if (this.accept('\\circ') || this.accept('\\degree')) return true;
    const inGroup = this.tokens[this.#at + 1]?.text === '\\circ';
    if (this.peek() !== '{' || !inGroup || this.tokens[this.#at + 2]?.text !== '}') return false;
    this.#at += 3;
    return true;
  }

  primary(): Expression {
    return this.nested(() => this.openPrimary());
  }

  private openPrimary(): Expression {
    const text = this.peek();
    if (DIGIT.test(text) || text === '.') return this.number();
    if (LETTER.test(text) || GREEK.test(text)) return this.symbol();
    if (text === '|') return this.bars();
    if (CLOSING[text] !== undefined) return this.enclosed(text);
    if (text === '\\text') return this.textSymbol();
    return this.command(this.next());
  }

  private enclosed(open: string): Expression {
    this.#at += 1;
    const bars = this.#barCount;
    this.#barCount = 0;
    const inner = this.sum();
    this.#barCount = bars;
    const close = open === '(' ? ')' : CLOSING[open]?.[0];
    if (open === '\\{' || this.next() !== close) throw new NotUnderstood();
    return inner;
  }

  private bars(): Expression {
    this.#at += 1;
    this.#barCount += 1;
    const inner = this.sum();
    this.#barCount -= 1;
    if (!this.accept('|')) throw new NotUnderstood();
    return call('abs', inner);
  }

  private command(name: string): Expression {
    const known = FUNCTIONS.get(name);
    if (known !== undefined) return this.applied((argument) => call(known, argument), known);
    switch (name) {
      case '\\frac':
        return call('/', this.argument(), this.argument());
      case '\\binom':
        return call('binomial', this.argument(), this.argument());
      case '\\sqrt':
        return this.root();
      case '\\log': {
        const base = this.accept('_') ? this.argument() : whole(10n);
        return this.applied((argument) => call('log', argument, base));
      }
      case '\\lfloor':
        return this.until('\\rfloor', 'floor');
      case '\\lceil':
        return this.until('\\rceil', 'ceil');
      case '\\boxed':
      case '\\fbox':
        return this.argument();
      default:
        throw new NotUnderstood();
    }
  }

  private until(close: string, name: 'floor' | 'ceil'): Expression {
    const inner = this.sum();
    if (!this.accept(close)) throw new NotUnderstood();
    return call(name, inner);
  }

  private root(): Expression {
    let degree: Expression = whole(2n);
    if (this.accept('[')) {
      degree = this.sum();
      if (!this.accept(']')) throw new NotUnderstood();
    }
    return call('root', this.argument(), degree);
  }

  /** `\sin^2 x`, `\sin(2x)`, `\cos 2x`: a group, or the product up to the next function or sign. */
  private applied(
    apply: (argument: Expression) => Expression,
    name: string | null = null,
  ): Expression {
    const power = this.accept('^') ? this.argument() : null;
    const isGroup = ['(', '{', '[', '|'].includes(this.peek());
    const argument = this.nested(() => (isGroup ? this.factor() : this.plainProduct()));
    if (power === null) return apply(argument);
    // `\sin^{-1}` is the arcsine.
    const isInverse = name !== null && isMinusOne(power);
    const inverse = isInverse ? FUNCTIONS.get(`\\arc${name}`) : undefined;
    if (inverse !== undefined) return call(inverse, argument);
    return call('^', apply(argument), power);
  }

  private plainProduct(): Expression {
    let product = this.signedFactor();
    for (;;) {
      const text = this.peek();
      if (text === '/') {
        this.#at += 1;
        product = call('/', product, this.factor());
      } else if (FUNCTIONS.has(text) || text === '\\log' || text === '(' || !this.beginsFactor()) {
        return product;
      } else product = this.juxtaposed(product);
    }
  }

  /** An argument: a group, or one token. */
  private argument(): Expression {
    const text = this.peek();
    if (text === '{') return this.nested(() => this.enclosed('{'));
    if (DIGIT.test(text)) return whole(BigInt(this.next()));
    if (LETTER.test(text)) return { kind: 'symbol', name: this.next() };
    // Not strictly TeX, but written: `x^-1`, `2^\frac12`.
    if (text === '-') {
      this.#at += 1;
      return negated(this.argument());
    }
    return this.primary();
  }

  /** Of `2^10`, TeX takes one digit; everybody who writes it means all. */
  private exponent(): Expression {
    const isNegative = this.peek() === '-' && DIGIT.test(this.peek(1));
    if (isNegative) this.#at += 1;
    if (!DIGIT.test(this.peek())) return this.argument();
    let digits = '';
    while (DIGIT.test(this.peek()) && (digits === '' || this.gap() === '')) digits += this.next();
    const exponent = whole(BigInt(digits.slice(0, EXPONENT_DIGITS_MAX)));
    return isNegative ? negated(exponent) : exponent;
  }

  private symbol(): Expression {
    const name = this.next();
    return { kind: 'symbol', name: name + this.subscript() + this.primes() };
  }

  private primes(): string {
    let primes = '';
    while (this.peek() === "'") primes += this.next();
    return primes;
  }

  /** The spelling of an index, which belongs to the name. */
  private subscript(): string {
    if (this.peek() !== '_') return '';
    this.#at += 1;
    if (this.peek() !== '{') {
      const token = this.tokens[this.#at];
      this.#at += 1;
      return `_${token?.words ?? token?.text ?? ''}`;
    }
    const parts: string[] = [];
    this.#at += 1;
    for (let depth = 1; depth > 0; ) {
      const token = this.tokens[this.#at];
      if (token === undefined) throw new NotUnderstood();
      this.#at += 1;
      if (token.text === '{') depth += 1;
      else if (token.text === '}') depth -= 1;
      if (depth > 0) parts.push(token.words ?? token.text);
    }
    return `_${parts.join('')}`;
  }

  /** A letter in upright or bold type is a symbol; words are not. */
  private textSymbol(): Expression {
    const words = this.tokens[this.#at]?.words?.trim() ?? '';
    this.#at += 1;
    if (/^[A-Za-z]$/.test(words)) return { kind: 'symbol', name: words };
    const number = decimal(words.replaceAll(',', ''));
    if (number === null || words === '') throw new NotUnderstood();
    return { kind: 'number', value: number, isWhole: /^\d+$/.test(words) };
  }

  private number(): Expression {
    const digits = this.digits();
    let part: string | null = null;
    let repeating = '';
    if (this.peek() === '.' && (digits !== '' || DIGIT.test(this.peek(1)))) {
      this.#at += 1;
      part = '';
      while (DIGIT.test(this.peek()) && this.gap() === '') part += this.next();
      repeating = this.repeating();
    }
    const written = `${digits}${part === null ? '' : `.${part}`}`;
    const value = decimal(written === '.' ? '.0' : written);
    if (value === null) throw new NotUnderstood();
    if (this.peek() === '_') {
      // `4210_5` is a number to another base, and no other spelling is compared with it.
      return { kind: 'symbol', name: `${written}${this.subscript()}` };
    }
    if (repeating !== '') return numberOf(withRepeating(value, part ?? '', repeating), false);
    if (part === null) return this.mixed(value) ?? numberOf(value, true);
    return numberOf(value, false);
  }

  private repeating(): string {
    if (this.peek() !== '\\overline' && this.peek() !== '\\bar' && this.peek() !== '\\dot')
      return '';
    this.#at += 1;
    if (DIGIT.test(this.peek())) return this.next();
    if (!this.accept('{')) throw new NotUnderstood();
    let digits = '';
    while (DIGIT.test(this.peek())) digits += this.next();
    if (digits === '' || !this.accept('}')) throw new NotUnderstood();
    return digits;
  }

  /** Digits, with their groups of three joined. */
  private digits(): string {
    let digits = '';
    while (DIGIT.test(this.peek()) && (digits === '' || this.gap() === '')) digits += this.next();
    if (digits === '' || digits.length > 3) return digits;
    for (let size = this.groupSize(); size > 0; size = this.groupSize()) {
      this.#at += size - 3;
      digits += this.next() + this.next() + this.next();
    }
    return digits;
  }

  /** How many tokens the next group of three digits takes with its separator; 0: there is none. */
  private groupSize(): number {
    const gap = this.gap();
    if (DIGIT.test(this.peek())) return /^(?: |\\,|~)$/.test(gap) && this.isTriple(0) ? 3 : 0;
    const isBraced = this.peek() === '{' && this.peek(1) === ',' && this.peek(2) === '}';
    if (isBraced && this.isTriple(3)) return 6;
    if (this.peek() !== ',' || !this.isTriple(1)) return 0;
    const after = this.tokens[this.#at + 1]?.gap ?? '';
    if (after.includes('\\!')) return 4;
    return gap === '' && after === '' && this.reading.groupsByComma ? 4 : 0;
  }

  private isTriple(from: number): boolean {
    const digits = [0, 1, 2].every((index) => {
      return DIGIT.test(this.peek(from + index)) && (index === 0 || this.gap(from + index) === '');
    });
    const next = this.tokens[this.#at + from + 3];
    return digits && !(next !== undefined && DIGIT.test(next.text) && next.gap === '');
  }

  /** `11 5/6`: a whole number, space, a fraction of whole numbers. */
  private mixed(value: Rational): Expression | null {
    const rest = /^(\d{1,9})\s*\/\s*(\d{1,9})(?![\d.])/.exec(this.sourceHere());
    if (rest === null || !/^[\s~]+$/.test(this.gap())) return null;
    const part = ratio(BigInt(rest[1] ?? '0'), BigInt(rest[2] ?? '0'));
    const sum = part === null ? null : plus(value, part);
    if (sum === null) return null;
    this.#at += rest[0].replaceAll(/\s/g, '').length;
    return numberOf(sum, false);
  }

  private peek(ahead = 0): string {
    return this.tokens[this.#at + ahead]?.text ?? '';
  }

  private gap(ahead = 0): string {
    return this.tokens[this.#at + ahead]?.gap ?? '';
  }

  private next(): string {
    const token = this.tokens[this.#at];
    if (token === undefined) throw new NotUnderstood();
    this.#at += 1;
    return token.text;
  }

  private accept(text: string): boolean {
    if (this.peek() !== text) return false;
    this.#at += 1;
    return true;
  }

  private nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw new NotUnderstood();
    const result = read();
    this.#depth -= 1;
    return result;
  }
}

function whole(value: bigint): Expression {
  return numberOf({ numerator: value, denominator: 1n }, true);
}

function numberOf(value: Rational, isWhole: boolean): Expression {
  return { kind: 'number', value, isWhole };
}

function negated(expression: Expression): Expression {
  // Degrees stay outermost, where they are a unit.
  if (expression.kind === 'call' && expression.name === 'degree') {
    return call('degree', call('-', ...expression.parts));
  }
  return call('-', expression);
}

function isWhole(expression: Expression): boolean {
  return expression.kind === 'number' && expression.isWhole;
}

function isPlainFraction(expression: Expression): boolean {
  return expression.kind === 'call' && expression.name === '/' && expression.parts.every(isWhole);
}

function isMinusOne(expression: Expression): boolean {
  if (expression.kind !== 'call' || expression.name !== '-') return false;
  const [one] = expression.parts;
  return one?.kind === 'number' && one.value.numerator === 1n && one.value.denominator === 1n;
}

/** `0.1\overline{6}` is 0.1 + 0.06 / (1 - 0.1). */
function withRepeating(value: Rational, part: string, repeating: string): Rational {
  const nines = 10n ** BigInt(repeating.length) - 1n;
  const rest = over(
    { numerator: BigInt(repeating), denominator: 1n },
    { numerator: nines * 10n ** BigInt(part.length), denominator: 1n },
  );
  const sum = rest === null ? null : plus(value, rest);
  if (sum === null) throw new NotUnderstood();
  return sum;
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

/** `1 \pm \sqrt5` stands for two values. */
function bothSigns(answer: TexAnswer): readonly TexAnswer[] {
  if (answer.kind === 'named') {
    const inner = bothSigns(answer.answer);
    return inner.map((one) => ({ ...answer, answer: one }));
  }
  if (answer.kind !== 'value') return [answer];
  const count = signCount(answer.expression);
  if (count === 0) return [answer];
  if (count > 1) throw new NotUnderstood();
  return [false, true].map((isMinus) => ({
    ...answer,
    expression: withSign(answer.expression, isMinus),
    source: `${answer.source} (${isMinus ? '-' : '+'})`,
  }));
}

function signCount(expression: Expression): number {
  if (expression.kind !== 'call') return 0;
  const inner = expression.parts.reduce((sum, part) => sum + signCount(part), 0);
  return inner + (expression.name === '±' ? 1 : 0);
}

function withSign(expression: Expression, isMinus: boolean): Expression {
  if (expression.kind !== 'call') return expression;
  const parts = expression.parts.map((part) => withSign(part, isMinus));
  if (expression.name !== '±') return { ...expression, parts };
  return isMinus ? call('-', ...parts) : call('+', ...parts);
}
