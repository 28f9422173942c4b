/** Expressions: sums, products, powers, functions, with TeX's arguments of a group or one token. */
import { decimal } from '../rational.ts';
import { isPlainUnit, unitOf } from '../units.ts';
import {
  call,
  type Expression,
  isFraction,
  isWhole,
  TEX_FUNCTIONS,
  wholeNumber,
} from './expression.ts';
import { NumberReader } from './number-reader.ts';
import { DIGIT, LETTER, NotUnderstood } from './token-cursor.ts';
import type { Token } from './tokens.ts';

const FUNCTIONS: ReadonlyMap<string, (typeof TEX_FUNCTIONS)[number]> = new Map(
  TEX_FUNCTIONS.map((name) => [`\\${name}`, name]),
);
const GREEK = new RegExp(
  [
    String.raw`^\\(?:var)?(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu`,
    '|xi|rho|sigma|tau|upsilon|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma',
    '|Upsilon|Phi|Psi|Omega|pi|infty|emptyset|ell)$',
  ].join(''),
);
/** The brackets that may close one. */
export const CLOSING: Readonly<Record<string, readonly string[]>> = {
  '(': [')', ']'],
  '[': [']', ')'],
  '{': ['}'],
  '\\{': ['\\}'],
  '\\langle': ['\\rangle'],
};
const UNIT_END = /^(?:[,;)\]|=<>}]|\\[\\}]|&|\\cup|\\approx|\\end)$/;
const UNIT_TOKENS_MAX = 30;
/** Longer exponents are refused later, like all too large ones. */
const EXPONENT_DIGITS_MAX = 400;

export class ExpressionParser extends NumberReader {
  /** Inside `|…|` a bar ends the value. */
  private barCount = 0;

  protected sum(): Expression {
    let sum = this.signed();
    for (;;) {
      const sign = this.peek();
      if (sign === '+') {
        this.at += 1;
        sum = call('+', sum, this.product());
      } else if (sign === '-') {
        this.at += 1;
        sum = call('+', sum, call('-', this.product()));
      } else if (sign === '\\pm') {
        this.at += 1;
        sum = call('+', sum, call('±', this.product()));
      } else return sum;
    }
  }

  protected signed(): Expression {
    if (this.accept('+')) return this.product();
    if (this.accept('\\pm')) return call('±', this.product());
    if (this.accept('-')) return this.nested(() => negated(this.signed()));
    return this.product();
  }

  protected product(): Expression {
    let product = this.factor();
    for (;;) {
      const sign = this.peek();
      if (sign === '\\cdot' || sign === '\\times') {
        this.at += 1;
        product = call('*', product, this.signedFactor());
      } else if (sign === '/' || sign === '\\div') {
        this.at += 1;
        product = call('/', product, this.signedFactor());
      } else if (this.beginsFactor()) product = this.juxtaposed(product);
      else return product;
    }
  }

  /** Two factors side by side. Two numbers are none: `2 3` says nothing. */
  protected juxtaposed(before: Expression): Expression {
    const isAfterDigit = DIGIT.test(this.tokens[this.at - 1]?.text ?? '');
    if (isAfterDigit && DIGIT.test(this.peek())) throw new NotUnderstood();
    const isBesideFraction = this.peek() === '\\frac';
    const after = this.factor();
    // `1\frac12` is a mixed number, `(1)(\frac12)` a product.
    const isMixed = isAfterDigit && isBesideFraction && isWhole(before) && isFraction(after);
    return call(isMixed ? '+' : '*', before, after);
  }

  protected beginsFactor(): boolean {
    const text = this.peek();
    if (text === '|') return this.barCount === 0;
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
  protected isWord(): boolean {
    const token = this.tokens[this.at];
    return token !== undefined && token.gap !== '' && /^(?:and|or)\b/.test(this.sourceHere());
  }

  /** The unit that the rest of the element is, with `\text` around it or in letters. */
  protected unitHere(): { readonly unit: string; readonly tokenCount: number } | null {
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
  protected elementRest(): readonly Token[] {
    const rest = this.tokens.slice(this.at, this.at + UNIT_TOKENS_MAX);
    let depth = 0;
    const end = rest.findIndex(({ text }) => {
      if (depth === 0 && UNIT_END.test(text)) return true;
      if (text === '{') depth += 1;
      if (text === '}') depth -= 1;
      return false;
    });
    return end < 0 ? rest : rest.slice(0, end);
  }

  protected signedFactor(): Expression {
    if (this.accept('-')) return this.nested(() => negated(this.signedFactor()));
    return this.factor();
  }

  /** A primary with its powers, factorials and degrees. */
  protected factor(): Expression {
    let factor = this.primary();
    for (;;) {
      if (this.peek() === '^') {
        this.at += 1;
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
        factor = call('^', factor, wholeNumber(this.next() === '²' ? 2n : 3n));
      } else return factor;
    }
  }

  protected acceptDegree(): boolean {
    if (this.accept('\\circ') || this.accept('\\degree')) return true;
    const inGroup = this.tokens[this.at + 1]?.text === '\\circ';
    if (this.peek() !== '{' || !inGroup || this.tokens[this.at + 2]?.text !== '}') return false;
    this.at += 3;
    return true;
  }

  primary(): Expression {
    return this.nested(() => this.openPrimary());
  }

  protected openPrimary(): Expression {
    const text = this.peek();
    if (DIGIT.test(text) || text === '.') return this.number();
    if (LETTER.test(text) || GREEK.test(text)) return this.symbol();
    if (text === '|') return this.bars();
    if (CLOSING[text] !== undefined) return this.enclosed(text);
    if (text === '\\text') return this.textSymbol();
    return this.command(this.next());
  }

  protected enclosed(open: string): Expression {
    this.at += 1;
    const bars = this.barCount;
    this.barCount = 0;
    const inner = this.sum();
    this.barCount = bars;
    const close = open === '(' ? ')' : CLOSING[open]?.[0];
    if (open === '\\{' || this.next() !== close) throw new NotUnderstood();
    return inner;
  }

  protected bars(): Expression {
    this.at += 1;
    this.barCount += 1;
    const inner = this.sum();
    this.barCount -= 1;
    if (!this.accept('|')) throw new NotUnderstood();
    return call('abs', inner);
  }

  protected command(name: string): Expression {
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
        const base = this.accept('_') ? this.argument() : wholeNumber(10n);
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

  protected until(close: string, name: 'floor' | 'ceil'): Expression {
    const inner = this.sum();
    if (!this.accept(close)) throw new NotUnderstood();
    return call(name, inner);
  }

  protected root(): Expression {
    let degree: Expression = wholeNumber(2n);
    if (this.accept('[')) {
      degree = this.sum();
      if (!this.accept(']')) throw new NotUnderstood();
    }
    return call('root', this.argument(), degree);
  }

  /** `\sin^2 x`, `\sin(2x)`, `\cos 2x`: a group, or the product up to the next function or sign. */
  protected applied(
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

  protected plainProduct(): Expression {
    let product = this.signedFactor();
    for (;;) {
      const text = this.peek();
      if (text === '/') {
        this.at += 1;
        product = call('/', product, this.factor());
      } else if (FUNCTIONS.has(text) || text === '\\log' || text === '(' || !this.beginsFactor()) {
        return product;
      } else product = this.juxtaposed(product);
    }
  }

  /** An argument: a group, or one token. */
  protected argument(): Expression {
    const text = this.peek();
    if (text === '{') return this.nested(() => this.enclosed('{'));
    if (DIGIT.test(text)) return wholeNumber(BigInt(this.next()));
    if (LETTER.test(text)) return { kind: 'symbol', name: this.next() };
    // Not strictly TeX, but written: `x^-1`, `2^\frac12`.
    if (text === '-') {
      this.at += 1;
      return negated(this.argument());
    }
    return this.primary();
  }

  /** Of `2^10`, TeX takes one digit; everybody who writes it means all. */
  protected exponent(): Expression {
    const isNegative = this.peek() === '-' && DIGIT.test(this.peek(1));
    if (isNegative) this.at += 1;
    if (!DIGIT.test(this.peek())) return this.argument();
    let digits = '';
    while (DIGIT.test(this.peek()) && (digits === '' || this.gap() === '')) digits += this.next();
    const exponent = wholeNumber(BigInt(digits.slice(0, EXPONENT_DIGITS_MAX)));
    return isNegative ? negated(exponent) : exponent;
  }

  protected symbol(): Expression {
    const name = this.next();
    return { kind: 'symbol', name: name + this.subscript() + this.primes() };
  }

  protected primes(): string {
    let primes = '';
    while (this.peek() === "'") primes += this.next();
    return primes;
  }

  /** A letter in upright or bold type is a symbol; words are not. */
  protected textSymbol(): Expression {
    const words = this.tokens[this.at]?.words?.trim() ?? '';
    this.at += 1;
    if (/^[A-Za-z]$/.test(words)) return { kind: 'symbol', name: words };
    const number = decimal(words.replaceAll(',', ''));
    if (number === null || words === '') throw new NotUnderstood();
    return { kind: 'number', value: number, isWhole: /^\d+$/.test(words) };
  }
}

function negated(expression: Expression): Expression {
  // Degrees stay outermost, where they are a unit.
  if (expression.kind === 'call' && expression.name === 'degree') {
    return call('degree', call('-', ...expression.parts));
  }
  return call('-', expression);
}

function isMinusOne(expression: Expression): boolean {
  if (expression.kind !== 'call' || expression.name !== '-') return false;
  const [one] = expression.parts;
  return one?.kind === 'number' && one.value.numerator === 1n && one.value.denominator === 1n;
}
