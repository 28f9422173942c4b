/** What a formula says, as a tree. */
import type { Rational } from '../rational.ts';

export type Operation =
  | '+'
  | '*'
  | '/'
  | '^'
  | '-'
  | 'root'
  | 'abs'
  | '!'
  | 'binomial'
  | 'log'
  | 'floor'
  | 'ceil'
  | 'degree'
  | '±'
  | TexFunction;

export const TEX_FUNCTIONS = [
  'sin',
  'cos',
  'tan',
  'cot',
  'sec',
  'csc',
  'arcsin',
  'arccos',
  'arctan',
  'sinh',
  'cosh',
  'tanh',
  'ln',
  'exp',
] as const;
export type TexFunction = (typeof TEX_FUNCTIONS)[number];

export type Expression =
  | { readonly kind: 'number'; readonly value: Rational; readonly isWhole: boolean }
  /** A variable, or one of the constants `e`, `i` and `\pi`. */
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'call'; readonly name: Operation; readonly parts: readonly Expression[] };

export type TexAnswer =
  | {
      readonly kind: 'value';
      readonly expression: Expression;
      /** In the spelling of units.ts; null: none. */
      readonly unit: string | null;
      readonly source: string;
    }
  /** A tuple or an interval, with its brackets. */
  | { readonly kind: 'group'; readonly brackets: string; readonly elements: readonly TexAnswer[] }
  /** A list, a set or a union of sets, in any order. */
  | { readonly kind: 'list' | 'union'; readonly elements: readonly TexAnswer[] }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly TexAnswer[])[] }
  /** `x = …` and `x \in …` */
  | { readonly kind: 'named'; readonly variable: string; readonly answer: TexAnswer }
  | {
      readonly kind: 'relation';
      readonly signs: readonly string[];
      readonly sides: readonly TexAnswer[];
    };

export function call(name: Operation, ...parts: readonly Expression[]): Expression {
  return { kind: 'call', name, parts };
}

export function numberOf(value: Rational, isWhole: boolean): Expression {
  return { kind: 'number', value, isWhole };
}

export function wholeNumber(value: bigint): Expression {
  return numberOf({ numerator: value, denominator: 1n }, true);
}

const CONSTANTS: ReadonlySet<string> = new Set(['e', 'i', '\\pi']);

/** The variables of an expression: its symbols but for `e`, `i` and `\pi`. */
export function variablesOf(expression: Expression, found: Set<string> = new Set()): Set<string> {
  if (expression.kind === 'symbol' && !CONSTANTS.has(expression.name)) found.add(expression.name);
  if (expression.kind === 'call') for (const part of expression.parts) variablesOf(part, found);
  return found;
}

export function hasSymbol(expression: Expression, name: string): boolean {
  if (expression.kind === 'symbol') return expression.name === name;
  return expression.kind === 'call' && expression.parts.some((part) => hasSymbol(part, name));
}

export function hasCall(expression: Expression, name: Operation): boolean {
  if (expression.kind !== 'call') return false;
  return expression.name === name || expression.parts.some((part) => hasCall(part, name));
}

/**
 * Whether nothing is left to add or multiply: a mixed number and `3\times10^5` are written so, but
 * `18 + 14` is a calculation.
 */
export function isWorkedOut(expression: Expression): boolean {
  if (expression.kind !== 'call') return true;
  const { name, parts } = expression;
  const [first, second] = parts;
  if (name === '+' && parts.length > 1 && !(isWhole(first) && isFraction(second))) return false;
  if (name === '*' && !isPowerOfTen(second)) return false;
  return parts.every(isWorkedOut);
}

export function isWhole(expression: Expression | undefined): boolean {
  return expression?.kind === 'number' && expression.isWhole;
}

export function isFraction(expression: Expression | undefined): boolean {
  return expression?.kind === 'call' && expression.name === '/' && expression.parts.every(isWhole);
}

function isPowerOfTen(expression: Expression | undefined): boolean {
  if (expression?.kind !== 'call' || expression.name !== '^') return false;
  const [base] = expression.parts;
  return base?.kind === 'number' && base.value.numerator === 10n && base.value.denominator === 1n;
}
