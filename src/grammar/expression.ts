/**
 * A context-free grammar over characters. Every kind of request (JSON schema, regular expression,
 * GBNF) is turned into it, before it becomes text for the matching engine.
 */
import { type ByteRange, type CodePointRange, type CodePoints, codePoints } from './code-points.ts';

export type Expression =
  | { readonly kind: 'text'; readonly text: string }
  /** One character of a set. The empty set matches nothing. */
  | { readonly kind: 'class'; readonly set: CodePoints }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  /** A choice without options matches nothing. */
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  | {
      readonly kind: 'repeat';
      readonly part: Expression;
      readonly min: number;
      /** Null: no upper limit. */
      readonly max: number | null;
    }
  | { readonly kind: 'rule'; readonly name: string }
  /** A regular language over bytes, with at least one text. The first state is the start. */
  | { readonly kind: 'automaton'; readonly states: readonly ByteState[] };

export interface ByteState {
  readonly byteEdges: readonly { readonly ranges: readonly ByteRange[]; readonly to: number }[];
  readonly isEnd: boolean;
}

export interface Grammar {
  readonly root: Expression;
  readonly rules: ReadonlyMap<string, Expression>;
}

/**
 * Matches exactly this text. A text with half a surrogate pair matches nothing, because UTF-8 cannot
 * encode it.
 */
export function text(value: string): Expression {
  return /\p{Surrogate}/u.test(value) ? choice() : { kind: 'text', text: value };
}

/** Ranges as pairs of characters: `oneOf('az', 'AZ', '__')`. */
export function oneOf(...pairs: readonly string[]): Expression {
  const ranges = pairs.map((pair): CodePointRange => {
    const [first, last] = [...pair].map((character) => character.codePointAt(0) ?? 0);
    return { first: first ?? 0, last: last ?? first ?? 0 };
  });
  return { kind: 'class', set: codePoints(ranges) };
}

export function characters(set: CodePoints): Expression {
  return { kind: 'class', set };
}

export function sequence(...parts: readonly Expression[]): Expression {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'sequence', parts };
}

export function choice(...options: readonly Expression[]): Expression {
  return options.length === 1 && options[0] !== undefined
    ? options[0]
    : { kind: 'choice', options };
}

export function repeat(part: Expression, min: number, max: number | null): Expression {
  return { kind: 'repeat', part, min, max };
}

export function optional(part: Expression): Expression {
  return repeat(part, 0, 1);
}

export function rule(name: string): Expression {
  return { kind: 'rule', name };
}

export const EMPTY: Expression = sequence();

/** The parts of an expression, one level down. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'sequence':
      return expression.parts;
    case 'choice':
      return expression.options;
    case 'repeat':
      return [expression.part];
    default:
      return [];
  }
}
