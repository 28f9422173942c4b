/**
 * Intersections and differences of regular languages, as automata over bytes. JSON strings are
 * combined in their escaped form, in which every string has one spelling.
 */
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import { type ByteState, choice, type Expression } from './expression.ts';
import { ruleAutomaton } from './rule-automaton.ts';

const BYTE_COUNT = 256;
/** Above this number of states a combination is given up. */
const COMBINED_STATE_COUNT_MAX = 3000;
const NOWHERE = -1;

/** The texts of both languages. Null: too large. Expressions with rules are not regular languages. */
export function intersection(a: Expression, b: Expression): Expression | null {
  return combined(a, b, (inA, inB) => inA && inB);
}

/** The texts of `a` that do not belong to `b`. Null: too large. */
export function difference(a: Expression, b: Expression): Expression | null {
  return combined(a, b, (inA, inB) => inA && !inB);
}

/**
 * The number of states that most bytes may follow. Each of them costs the matching engine a pass over
 * its vocabulary.
 */
export function wideStateCount(expression: Expression): number {
  const wide = tables(expression)?.filter(({ next }) => {
    return next.filter((to) => to !== NOWHERE).length >= WIDE_BYTE_COUNT;
  });
  return wide?.length ?? Number.POSITIVE_INFINITY;
}
/** Letters of one case are fewer; all of a JSON string's plain characters are more. */
const WIDE_BYTE_COUNT = 64;

interface Table {
  /** [256] the next state by byte */
  readonly next: Int16Array;
  readonly isEnd: boolean;
}

function combined(
  a: Expression,
  b: Expression,
  keeps: (inA: boolean, inB: boolean) => boolean,
): Expression | null {
  const [left, right] = [tables(a), tables(b)];
  if (left === null || right === null) return null;
  const pairs = new Pairs();
  const states: Table[] = [];
  for (let at = pairs.number(0, 0); at < pairs.count; at += 1) {
    if (at >= COMBINED_STATE_COUNT_MAX) return null;
    const [x, y] = pairs.at(at);
    const next = new Int16Array(BYTE_COUNT).fill(NOWHERE);
    for (let byte = 0; byte < BYTE_COUNT; byte += 1) {
      const toX = left[x]?.next[byte] ?? NOWHERE;
      if (toX !== NOWHERE) next[byte] = pairs.number(toX, right[y]?.next[byte] ?? NOWHERE);
    }
    states.push({ next, isEnd: keeps(left[x]?.isEnd ?? false, right[y]?.isEnd ?? false) });
  }
  return trimmed(states);
}

/** Pairs of states, numbered in the order in which they are met. */
class Pairs {
  readonly #pairs: (readonly [number, number])[] = [];
  readonly #numbers = new Map<string, number>();

  get count(): number {
    return this.#pairs.length;
  }

  at(number: number): readonly [number, number] {
    return required(this.#pairs[number], 'every pair has a number');
  }

  number(x: number, y: number): number {
    const key = `${x} ${y}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#pairs.length);
    return this.#pairs.push([x, y]) - 1;
  }
}

/** Null: too large. */
function tables(expression: Expression): readonly Table[] | null {
  return (
    statesOf(expression)?.map(({ byteEdges, isEnd }) => {
      const next = new Int16Array(BYTE_COUNT).fill(NOWHERE);
      for (const { ranges, to } of byteEdges) {
        for (const { first, last } of ranges) next.fill(to, first, last + 1);
      }
      return { next, isEnd };
    }) ?? null
  );
}

function statesOf(expression: Expression): readonly ByteState[] | null {
  if (expression.kind === 'automaton') return expression.states;
  try {
    return ruleAutomaton(expression);
  } catch (error) {
    if (PilotfishError.isInstance(error)) return null;
    throw error;
  }
}

/** Without the states from which no end can be reached. */
function trimmed(states: readonly Table[]): Expression {
  const alive = aliveStates(states);
  if (!alive.has(0)) return choice();
  // State 0 stays the start, because the order is kept.
  const numbers = new Map(
    states.flatMap((_, at) => (alive.has(at) ? [at] : [])).map((at, index) => [at, index]),
  );
  const kept = states.filter((_, at) => alive.has(at));
  return { kind: 'automaton', states: kept.map((state) => ruleState(state, numbers)) };
}

function aliveStates(states: readonly Table[]): ReadonlySet<number> {
  const before = states.map((): number[] => []);
  for (const [at, { next }] of states.entries()) {
    for (const to of new Set(next)) before[to]?.push(at);
  }
  const alive = new Set(states.flatMap(({ isEnd }, at) => (isEnd ? [at] : [])));
  for (const state of alive) for (const from of before[state] ?? []) alive.add(from);
  return alive;
}

function ruleState({ next, isEnd }: Table, numbers: ReadonlyMap<number, number>): ByteState {
  const byTarget = new Map<number, { first: number; last: number }[]>();
  for (const [byte, target] of next.entries()) {
    const to = numbers.get(target);
    if (to === undefined) continue;
    const ranges = byTarget.get(to) ?? [];
    const last = ranges.at(-1);
    if (last !== undefined && last.last + 1 === byte) last.last = byte;
    else ranges.push({ first: byte, last: byte });
    byTarget.set(to, ranges);
  }
  const byteEdges = [...byTarget].map(([to, ranges]) => ({ ranges, to }));
  return { byteEdges, isEnd };
}
