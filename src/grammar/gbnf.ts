/**
 * GBNF, the grammar notation of llama.cpp: `name ::= alternatives`, with texts in double quotes,
 * classes, groups, `.`, the quantifiers `* + ? {n} {n,} {n,m}`, and comments that begin with `#`.
 * Matching begins at the rule `root`. A rule ends where the next one begins.
 */
import { type CodePointRange, codePoints, complement } from './code-points.ts';
import {
  characters,
  choice,
  type Expression,
  type Grammar,
  repeat,
  rule,
  sequence,
  text,
} from './expression.ts';
import { grammarError } from './grammar-error.ts';

const NESTING_MAX = 64;
const NAME = /[A-Za-z0-9_-]/;
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: '\n', r: '\r', t: '\t', '\\': '\\' },
  ...{ '"': '"', '[': '[', ']': ']', '-': '-', '^': '^' },
};
const HEX_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** @throws PilotfishError `grammar-invalid`, naming line and column */
export function parseGbnf(source: string): Grammar {
  return new Parser(source).parse();
}

class Parser {
  readonly #characters: readonly string[];
  #at = 0;
  #nesting = 0;
  /** The referenced names, with the place of their first reference. */
  readonly #used = new Map<string, number>();

  constructor(source: string) {
    this.#characters = [...Buffer.from(source, 'utf8').toString('utf8')];
  }

  parse(): Grammar {
    const rules = new Map<string, Expression>();
    this.#skip();
    while (this.#next !== undefined) {
      const at = this.#at;
      const name = this.#name();
      if (rules.has(name)) throw this.#wrong(`the rule ${name} is defined twice`, at);
      this.#skip();
      this.#expect('::=');
      this.#skip();
      rules.set(name, this.#alternatives());
    }
    const root = rules.get('root');
    if (root === undefined) throw this.#wrong('there is no rule named root', 0);
    for (const [name, at] of this.#used) {
      if (!rules.has(name)) throw this.#wrong(`there is no rule named ${name}`, at);
    }
    return { root, rules };
  }

  get #next(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(): string {
    const character = this.#characters[this.#at];
    if (character === undefined) throw this.#wrong('it ends too early');
    this.#at += 1;
    return character;
  }

  #follows(expected: string): boolean {
    return [...expected].every((character, index) => {
      return this.#characters[this.#at + index] === character;
    });
  }

  #takeIf(expected: string): boolean {
    if (!this.#follows(expected)) return false;
    this.#at += expected.length;
    return true;
  }

  #expect(expected: string): void {
    if (!this.#takeIf(expected)) throw this.#wrong(`${expected} is missing`);
  }

  /** Skips white space, line ends and comments. */
  #skip(): void {
    for (let isComment = false; this.#next !== undefined; this.#at += 1) {
      if (this.#next === '\n') isComment = false;
      else if (this.#next === '#') isComment = true;
      else if (!isComment && !/\s/.test(this.#next)) return;
    }
  }

  #name(): string {
    let name = '';
    while (NAME.test(this.#next ?? '')) name += this.#take();
    if (name === '') throw this.#wrong('the name of a rule is missing');
    return name;
  }

  /** Whether a name and ::= follow, which begin the next rule. */
  #ruleFollows(): boolean {
    const start = this.#at;
    if (!NAME.test(this.#next ?? '')) return false;
    this.#name();
    this.#skip();
    const follows = this.#follows('::=');
    this.#at = start;
    return follows;
  }

  #alternatives(): Expression {
    const options = [this.#sequence()];
    while (this.#takeIf('|')) {
      this.#skip();
      options.push(this.#sequence());
    }
    return choice(...options);
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') {
      if (this.#ruleFollows()) break;
      parts.push(this.#quantified(this.#atom()));
      this.#skip();
    }
    return sequence(...parts);
  }

  #atom(): Expression {
    if (this.#takeIf('"')) return text(this.#text());
    if (this.#takeIf('[')) return this.#class();
    if (this.#takeIf('.')) return characters(complement([]));
    if (this.#takeIf('(')) return this.#group();
    if (this.#next === '<' || this.#follows('!<')) throw this.#token();
    const at = this.#at;
    const name = this.#name();
    if (!this.#used.has(name)) this.#used.set(name, at);
    return rule(name);
  }

  #group(): Expression {
    this.#nesting += 1;
    if (this.#nesting > NESTING_MAX) throw this.#wrong('there are too many nested groups');
    this.#skip();
    const inner = this.#alternatives();
    this.#expect(')');
    this.#nesting -= 1;
    return inner;
  }

  #quantified(atom: Expression): Expression {
    // Spaces may precede a quantifier, but line ends may not, because they may begin a new rule.
    while (this.#next === ' ' || this.#next === '\t') this.#at += 1;
    if (this.#takeIf('*')) return repeat(atom, 0, null);
    if (this.#takeIf('+')) return repeat(atom, 1, null);
    if (this.#takeIf('?')) return repeat(atom, 0, 1);
    return this.#takeIf('{') ? this.#counted(atom) : atom;
  }

  #counted(atom: Expression): Expression {
    const min = this.#next === ',' ? 0 : this.#count();
    let max: number | null = min;
    if (this.#takeIf(',')) max = this.#next === '}' ? null : this.#count();
    if (max !== null && max < min) throw this.#wrong(`{${min},${max}} counts backwards`);
    this.#expect('}');
    return repeat(atom, min, max);
  }

  #count(): number {
    let digits = '';
    while (/^[0-9]$/.test(this.#next ?? '')) digits += this.#take();
    if (digits === '' || digits.length > 9) throw this.#wrong('a count is missing or too large');
    return Number(digits);
  }

  #text(): string {
    let value = '';
    while (!this.#takeIf('"')) {
      if (this.#next === '\n') throw this.#wrong('a text does not end in its line');
      value += this.#character();
    }
    return value;
  }

  #class(): Expression {
    const isNegated = this.#takeIf('^');
    const ranges: CodePointRange[] = [];
    while (!this.#takeIf(']')) {
      const first = codePointOf(this.#character());
      const isRange = this.#next === '-' && this.#characters[this.#at + 1] !== ']';
      if (isRange) this.#at += 1;
      const last = isRange ? codePointOf(this.#character()) : first;
      if (last < first) throw this.#wrong('a range of characters runs backwards');
      ranges.push({ first, last });
    }
    const set = codePoints(ranges);
    return characters(isNegated ? complement(set) : set);
  }

  #character(): string {
    const character = this.#take();
    if (character !== '\\') return character;
    const name = this.#take();
    const length = HEX_LENGTHS[name];
    if (length === undefined) {
      const plain = ESCAPES[name];
      if (plain === undefined) throw this.#wrong(`there is no escape \\${name}`);
      return plain;
    }
    const digits = Array.from({ length }, () => this.#take()).join('');
    const code = /^[0-9A-Fa-f]+$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
    if (!(code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff)) {
      throw this.#wrong(`\\${name}${digits} is not a character`);
    }
    return String.fromCodePoint(code);
  }

  /** A token by its name, `<think>` or `!<think>`, or by its number, `<[1000]>`. */
  #token(): Error {
    const rest = this.#characters.slice(this.#at).join('');
    const name = /^!?<[^>\n]*>?/.exec(rest)?.[0] ?? '<';
    const isText = /^<[^[]/.test(name);
    const remedy = isText
      ? `Write its text instead: "${name}". A control token has no text; leave it out.`
      : 'Write texts instead of tokens.';
    const what = `${name} names a token, and a grammar is matched with texts`;
    return this.#wrong(what, this.#at, remedy);
  }

  #wrong(what: string, at = this.#at, remedy = 'Correct the grammar (GBNF).'): Error {
    const before = this.#characters.slice(0, at).join('').split('\n');
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    return grammarError(`The grammar is wrong at ${place}: ${what}.`, remedy);
  }
}

function codePointOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
