/**
 * Regular expressions as grammar: JavaScript's syntax with the `u` flag, without the features that a
 * context-free grammar cannot express (look-around, back references, word boundaries). Anchors may
 * stand at the ends of the outermost alternatives. Lazy quantifiers match the same texts as greedy
 * ones.
 */
import { type CodePoints, codePoints, complement } from './code-points.ts';
import {
  characters,
  choice,
  EMPTY,
  type Expression,
  repeat,
  sequence,
  text,
} from './expression.ts';
import { grammarError } from './grammar-error.ts';

export const PATTERN_LENGTH_MAX = 4096;
const NESTING_MAX = 64;
const REMEDY =
  'Write it without look-around, back references, \\b and \\p, and anchor only its ends.';

/** The texts that match as a whole. Anchors change nothing. @throws PilotfishError `grammar-invalid` */
export function regularExpression(pattern: string): Expression {
  return parsed(pattern, EMPTY);
}

/**
 * The texts that contain a match of the pattern, as a schema's `pattern` requires. Any characters may
 * stand at an end without an anchor.
 * @throws PilotfishError `grammar-invalid`
 */
export function textContaining(pattern: string): Expression {
  return parsed(pattern, repeat(characters(complement([])), 0, null));
}

/** @param beside the texts that may stand at an end without an anchor */
function parsed(pattern: string, beside: Expression): Expression {
  if (pattern.length > PATTERN_LENGTH_MAX) {
    throw grammarError(
      `The regular expression has ${pattern.length} characters; ${PATTERN_LENGTH_MAX} are the limit.`,
      'Use a shorter one.',
    );
  }
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw grammarError(why, 'Correct the regular expression (JavaScript syntax, flag u).');
  }
  return new Parser(pattern, beside).parse();
}

const RANGE = (first: number, last: number): { first: number; last: number } => ({ first, last });
const DIGITS = codePoints([RANGE(0x30, 0x39)]);
const WORD = codePoints([...DIGITS, RANGE(0x41, 0x5a), RANGE(0x5f, 0x5f), RANGE(0x61, 0x7a)]);
const LINE_ENDS = [RANGE(0x0a, 0x0a), RANGE(0x0d, 0x0d), RANGE(0x2028, 0x2029)];
const SPACES = codePoints([
  ...[RANGE(0x09, 0x0d), RANGE(0x20, 0x20), RANGE(0xa0, 0xa0), RANGE(0x1680, 0x1680)],
  ...[RANGE(0x2000, 0x200a), RANGE(0x2028, 0x2029), RANGE(0x202f, 0x202f)],
  ...[RANGE(0x205f, 0x205f), RANGE(0x3000, 0x3000), RANGE(0xfeff, 0xfeff)],
]);
const SETS: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACES,
  S: complement(SPACES),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 };
const ANY_BUT_LINE_ENDS = complement(codePoints(LINE_ENDS));

/** Reads a pattern that is known to be well formed. */
class Parser {
  readonly #characters: readonly string[];
  readonly #beside: Expression;
  #at = 0;
  #nesting = 0;

  constructor(pattern: string, beside: Expression) {
    this.#characters = [...pattern];
    this.#beside = beside;
  }

  parse(): Expression {
    return this.#alternatives();
  }

  get #next(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(): string {
    const character = this.#characters[this.#at] ?? '';
    this.#at += 1;
    return character;
  }

  #takeIf(expected: string): boolean {
    if (!this.#follows(expected)) return false;
    this.#at += expected.length;
    return true;
  }

  #follows(expected: string): boolean {
    return this.#characters.slice(this.#at, this.#at + expected.length).join('') === expected;
  }

  #alternatives(): Expression {
    if (this.#nesting >= NESTING_MAX) throw this.#unsupported('too many nested groups');
    const option = (): Expression => (this.#nesting === 0 ? this.#outermost() : this.#sequence());
    const options = [option()];
    while (this.#takeIf('|')) options.push(option());
    return choice(...options);
  }

  #outermost(): Expression {
    const before = this.#takeIf('^') ? EMPTY : this.#beside;
    const inner = this.#sequence();
    const after = this.#takeIf('$') ? EMPTY : this.#beside;
    return sequence(before, inner, after);
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    while (!this.#endsAt(this.#at)) {
      const isEndAnchor = this.#nesting === 0 && this.#next === '$' && this.#endsAt(this.#at + 1);
      if (isEndAnchor) break;
      parts.push(this.#quantified(this.#atom()));
    }
    return sequence(...parts);
  }

  #endsAt(at: number): boolean {
    const character = this.#characters[at];
    return character === undefined || character === '|' || character === ')';
  }

  #atom(): Expression {
    const character = this.#take();
    if (character === '(') return this.#group();
    if (character === '[') return characters(this.#class());
    if (character === '.') return characters(ANY_BUT_LINE_ENDS);
    if (character === '\\') return characters(codePoints(this.#escape()));
    if (character === '^' || character === '$') throw this.#unsupported(`${character} inside it`);
    return text(character);
  }

  #group(): Expression {
    if (this.#takeIf('?')) {
      const isNamed = this.#follows('<') && !this.#follows('<=') && !this.#follows('<!');
      if (isNamed) while (this.#take() !== '>');
      else if (!this.#takeIf(':')) throw this.#unsupported('look-around or flags');
    }
    this.#nesting += 1;
    const inner = this.#alternatives();
    this.#nesting -= 1;
    this.#take();
    return inner;
  }

  #quantified(atom: Expression): Expression {
    const counts = this.#quantifier();
    if (counts === null) return atom;
    this.#takeIf('?');
    return repeat(atom, counts.min, counts.max);
  }

  #quantifier(): { readonly min: number; readonly max: number | null } | null {
    if (this.#takeIf('*')) return { min: 0, max: null };
    if (this.#takeIf('+')) return { min: 1, max: null };
    if (this.#takeIf('?')) return { min: 0, max: 1 };
    if (!this.#takeIf('{')) return null;
    const min = this.#number();
    if (this.#takeIf('}')) return { min, max: min };
    this.#take();
    if (this.#takeIf('}')) return { min, max: null };
    const max = this.#number();
    this.#take();
    return { min, max };
  }

  #number(): number {
    let digits = '';
    while (/^\d$/.test(this.#next ?? '')) digits += this.#take();
    return Number(digits);
  }

  #class(): CodePoints {
    const isNegated = this.#takeIf('^');
    const ranges: { first: number; last: number }[] = [];
    while (this.#next !== ']') {
      const low = this.#classMember();
      const [only] = low;
      const isRange = this.#next === '-' && this.#characters[this.#at + 1] !== ']' && isSingle(low);
      if (!isRange || only === undefined) {
        ranges.push(...low);
        continue;
      }
      this.#take();
      const [high] = this.#classMember();
      ranges.push({ first: only.first, last: high?.last ?? only.last });
    }
    this.#take();
    const set = codePoints(ranges);
    return isNegated ? complement(set) : set;
  }

  /** Surrogates are included, because a range may end at one. */
  #classMember(): CodePoints {
    const character = this.#take();
    if (character !== '\\') return single(character.codePointAt(0) ?? 0);
    if (this.#takeIf('b')) return single(8);
    return this.#escape();
  }

  #escape(): CodePoints {
    const character = this.#take();
    const set = SETS[character];
    if (set !== undefined) return set;
    const control = CONTROLS[character];
    if (control !== undefined) return single(control);
    if (character === 'x') return single(this.#hex(2));
    if (character === 'u') return single(this.#unicode());
    if (character === 'c') return single((this.#take().codePointAt(0) ?? 0) % 32);
    if (/^[A-Za-z1-9]$/.test(character)) throw this.#unsupported(`\\${character}`);
    return single(character.codePointAt(0) ?? 0);
  }

  #unicode(): number {
    if (this.#takeIf('{')) {
      let digits = '';
      while (this.#next !== '}') digits += this.#take();
      this.#take();
      return Number.parseInt(digits, 16);
    }
    const unit = this.#hex(4);
    if (unit < 0xd800 || unit > 0xdbff || !this.#follows('\\u')) return unit;
    this.#at += 2;
    return ((unit - 0xd800) << 10) + (this.#hex(4) - 0xdc00) + 0x10000;
  }

  #hex(count: number): number {
    let digits = '';
    while (digits.length < count) digits += this.#take();
    return Number.parseInt(digits, 16);
  }

  #unsupported(what: string): Error {
    const pattern = this.#characters.join('');
    return grammarError(
      `The regular expression ${pattern} has ${what}, which is unsupported.`,
      REMEDY,
    );
  }
}

function single(codePoint: number): CodePoints {
  return [{ first: codePoint, last: codePoint }];
}

function isSingle(set: CodePoints): boolean {
  const [only] = set;
  return set.length === 1 && only !== undefined && only.first === only.last;
}
