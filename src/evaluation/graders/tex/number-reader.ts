/** Numbers in a formula: `1{,}234.5`, `11 5/6`, `0.1\overline{6}`, `4210_5`. */
import { decimal, over, plus, type Rational, ratio } from '../rational.ts';
import { type Expression, numberOf } from './expression.ts';
import { DIGIT, NotUnderstood, TokenCursor } from './token-cursor.ts';
import type { Token } from './tokens.ts';

export class NumberReader extends TokenCursor {
  private readonly groupsByComma: boolean;

  /** @param groupsByComma whether `1,234` is one number, or a list of two */
  constructor(source: string, tokens: readonly Token[], groupsByComma: boolean) {
    super(source, tokens);
    this.groupsByComma = groupsByComma;
  }

  protected number(): Expression {
    const digits = this.digits();
    let part: string | null = null;
    let repeating = '';
    if (this.peek() === '.' && (digits !== '' || DIGIT.test(this.peek(1)))) {
      this.at += 1;
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

  protected repeating(): string {
    if (this.peek() !== '\\overline' && this.peek() !== '\\bar' && this.peek() !== '\\dot')
      return '';
    this.at += 1;
    if (DIGIT.test(this.peek())) return this.next();
    if (!this.accept('{')) throw new NotUnderstood();
    let digits = '';
    while (DIGIT.test(this.peek())) digits += this.next();
    if (digits === '' || !this.accept('}')) throw new NotUnderstood();
    return digits;
  }

  /** Digits, with their groups of three joined. */
  protected digits(): string {
    let digits = '';
    while (DIGIT.test(this.peek()) && (digits === '' || this.gap() === '')) digits += this.next();
    if (digits === '' || digits.length > 3) return digits;
    for (let size = this.groupSize(); size > 0; size = this.groupSize()) {
      this.at += size - 3;
      digits += this.next() + this.next() + this.next();
    }
    return digits;
  }

  /** How many tokens the next group of three digits takes with its separator; 0: there is none. */
  protected groupSize(): number {
    const gap = this.gap();
    if (DIGIT.test(this.peek())) return /^(?: |\\,|~)$/.test(gap) && this.isTriple(0) ? 3 : 0;
    const isBraced = this.peek() === '{' && this.peek(1) === ',' && this.peek(2) === '}';
    if (isBraced && this.isTriple(3)) return 6;
    if (this.peek() !== ',' || !this.isTriple(1)) return 0;
    const after = this.tokens[this.at + 1]?.gap ?? '';
    if (after.includes('\\!')) return 4;
    return gap === '' && after === '' && this.groupsByComma ? 4 : 0;
  }

  protected isTriple(from: number): boolean {
    const digits = [0, 1, 2].every((index) => {
      return DIGIT.test(this.peek(from + index)) && (index === 0 || this.gap(from + index) === '');
    });
    const next = this.tokens[this.at + from + 3];
    return digits && !(next !== undefined && DIGIT.test(next.text) && next.gap === '');
  }

  /** `11 5/6`: a whole number, space, a fraction of whole numbers. */
  protected mixed(value: Rational): Expression | null {
    const rest = /^(\d{1,9})\s*\/\s*(\d{1,9})(?![\d.])/.exec(this.sourceHere());
    if (rest === null || !/^[\s~]+$/.test(this.gap())) return null;
    const part = ratio(BigInt(rest[1] ?? '0'), BigInt(rest[2] ?? '0'));
    const sum = part === null ? null : plus(value, part);
    if (sum === null) return null;
    this.at += rest[0].replaceAll(/\s/g, '').length;
    return numberOf(sum, false);
  }

  /** The spelling of an index, which belongs to the name. */
  protected subscript(): string {
    if (this.peek() !== '_') return '';
    this.at += 1;
    if (this.peek() !== '{') {
      const token = this.tokens[this.at];
      this.at += 1;
      return `_${token?.words ?? token?.text ?? ''}`;
    }
    const parts: string[] = [];
    this.at += 1;
    for (let depth = 1; depth > 0; ) {
      const token = this.tokens[this.at];
      if (token === undefined) throw new NotUnderstood();
      this.at += 1;
      if (token.text === '{') depth += 1;
      else if (token.text === '}') depth -= 1;
      if (depth > 0) parts.push(token.words ?? token.text);
    }
    return `_${parts.join('')}`;
  }
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
