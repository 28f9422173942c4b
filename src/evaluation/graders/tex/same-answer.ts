/** Whether two answers are one: by their parts, and by value where a part is an expression. */
import { call, type Expression, type TexAnswer, variablesOf } from './expression.ts';
import { isSameValue } from './same-value.ts';

/** @param spelled tells whether two parts without a comparable value look the same */
export type SpelledAlike = (a: string, b: string) => boolean;

/** @param a the answer, `b` the right one: its units decide */
export function isSameAnswer(a: TexAnswer, b: TexAnswer, spelled: SpelledAlike): boolean {
  const [x, y] = [intervalOf(a), intervalOf(b)];
  if (x !== null || y !== null) {
    if (x !== null && y !== null && a.kind === b.kind && !haveSameVariable(a, b)) return false;
    return isSameParts(x ?? a, y ?? b, spelled);
  }
  return isSameParts(a, b, spelled);
}

function isSameParts(a: TexAnswer, b: TexAnswer, spelled: SpelledAlike): boolean {
  if (a.kind === 'named' || b.kind === 'named') return isSameNamed(a, b, spelled);
  if (a.kind === 'relation' || b.kind === 'relation') return isSameRelation(a, b, spelled);
  if (a.kind === 'value' && b.kind === 'value') return isSameUnitValue(a, b, spelled);
  if (a.kind === 'matrix' && b.kind === 'matrix') return isSameMatrix(a, b, spelled);
  // `\frac12 \text{ or } 0.5` says one value twice.
  if (a.kind === 'list' && b.kind !== 'list') {
    return a.elements.every((element) => isSameAnswer(element, b, spelled));
  }
  if (a.kind === 'value' || b.kind === 'value' || a.kind === 'matrix' || b.kind === 'matrix') {
    return false;
  }
  return isSameGroup(a, b, spelled);
}

type Elements = Exclude<TexAnswer, { kind: 'named' | 'relation' | 'value' | 'matrix' }>;

function isSameGroup(a: Elements, b: Elements, spelled: SpelledAlike): boolean {
  if (a.elements.length !== b.elements.length || a.kind !== b.kind) return false;
  if (a.kind === 'group' || b.kind === 'group') {
    const areAlike = a.kind === 'group' && b.kind === 'group' && a.brackets === b.brackets;
    return areAlike && isSameSequence(a.elements, b.elements, spelled);
  }
  return isSameSet(a.elements, b.elements, spelled);
}

type Matrix = Extract<TexAnswer, { kind: 'matrix' }>;

function isSameMatrix(a: Matrix, b: Matrix, spelled: SpelledAlike): boolean {
  const [shape, other] = [a, b].map(({ rows }) => rows.map((row) => row.length).join());
  return shape === other && isSameSequence(a.rows.flat(), b.rows.flat(), spelled);
}

type Value = Extract<TexAnswer, { kind: 'value' }>;

function isSameUnitValue(a: Value, b: Value, spelled: SpelledAlike): boolean {
  if (a.unit !== null && b.unit !== null && a.unit !== b.unit) return false;
  return isSameValue(a.expression, b.expression) ?? spelled(a.source, b.source);
}

function isSameSequence(
  a: readonly TexAnswer[],
  b: readonly TexAnswer[],
  spelled: SpelledAlike,
): boolean {
  return a.every((one, index) => {
    const other = b[index];
    return other !== undefined && isSameAnswer(one, other, spelled);
  });
}

function isSameSet(
  a: readonly TexAnswer[],
  b: readonly TexAnswer[],
  spelled: SpelledAlike,
): boolean {
  const rest = [...b];
  return a.every((one) => {
    const at = rest.findIndex((other) => isSameAnswer(one, other, spelled));
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
}

/** `y = 2` is not `x = 2`, but both are right where the question asks for one value. */
function isSameNamed(a: TexAnswer, b: TexAnswer, spelled: SpelledAlike): boolean {
  if (a.kind === 'named' && b.kind === 'named') {
    return a.variable === b.variable && isSameAnswer(a.answer, b.answer, spelled);
  }
  const [named, other] = a.kind === 'named' ? [a, b] : [b, a];
  if (named.kind !== 'named') return false;
  if (other.kind === 'relation') {
    // `2x + 3 = y` is `y = 2x + 3`.
    const equation = equationOf(named);
    return equation !== null && isSameRelation(equation, other, spelled);
  }
  return a.kind === 'named'
    ? isSameAnswer(named.answer, other, spelled)
    : isSameAnswer(other, named.answer, spelled);
}

function equationOf({ variable, answer }: Extract<TexAnswer, { kind: 'named' }>): TexAnswer | null {
  if (answer.kind !== 'value' || variable.length > 1) return null;
  const expression: Expression = { kind: 'symbol', name: variable };
  const left: TexAnswer = { kind: 'value', expression, unit: null, source: variable };
  return { kind: 'relation', signs: ['='], sides: [left, answer] };
}

const MIRRORED: Readonly<Record<string, string>> = {
  '<': '>',
  '>': '<',
  '\\le': '\\ge',
  '\\ge': '\\le',
};

function isSameRelation(a: TexAnswer, b: TexAnswer, spelled: SpelledAlike): boolean {
  if (a.kind === 'relation' && b.kind === 'relation') {
    if (isSameEquation(a, b)) return true;
    const mirrored = {
      ...a,
      signs: a.signs.map((sign) => MIRRORED[sign] ?? sign).toReversed(),
      sides: a.sides.toReversed(),
    };
    return [a, mirrored].some(({ signs, sides }) => {
      return signs.join() === b.signs.join() && isSameSequence(sides, b.sides, spelled);
    });
  }
  return a.kind === 'relation'
    ? saysValue(a, (side) => isSameAnswer(side, b, spelled))
    : b.kind === 'relation' && saysValue(b, (side) => isSameAnswer(a, side, spelled));
}

type Relation = Extract<TexAnswer, { kind: 'relation' }>;

/** `\frac{14}4 = 3.5` says one value, as every side of it does; `3.14 \approx \pi` says either. */
function saysValue({ signs, sides }: Relation, isRight: (side: TexAnswer) => boolean): boolean {
  if (signs.every((sign) => sign === '=')) {
    const last = sides.at(-1);
    return last !== undefined && isRight(last) && sides.every(isRight);
  }
  const isApproximate = signs.every((sign) => sign === '=' || sign === '\\approx');
  return isApproximate && sides.some(isRight);
}

/** Two equations whose sides differ by the same, but for the sign: `x + y = 1`, `1 - y = x`. */
function isSameEquation(a: Relation, b: Relation): boolean {
  const [x, y] = [difference(a), difference(b)];
  if (x === null || y === null) return false;
  return isSameValue(x, y) === true || isSameValue(x, call('-', y)) === true;
}

function difference({ signs, sides }: Relation): Expression | null {
  const [left, right] = sides;
  if (signs.join() !== '=' || left?.kind !== 'value' || right?.kind !== 'value') return null;
  return call('+', left.expression, call('-', right.expression));
}

/** `-2 \le x < 7` as the interval `[-2, 7)`; null for anything else. */
function intervalOf(answer: TexAnswer): TexAnswer | null {
  if (answer.kind !== 'relation') return null;
  const { signs, sides } = answer;
  const isFalling = signs.every((sign) => sign === '>' || sign === '\\ge');
  const isRising = signs.every((sign) => sign === '<' || sign === '\\le');
  if (!isFalling && !isRising) return null;
  const ordered = isRising ? sides : sides.toReversed();
  const at = ordered.findIndex((side) => variableOf(side) !== null);
  const [low, high] = [ordered[at - 1], ordered[at + 1]];
  if (at < 0 || ordered.length > 3 || ordered.filter(isConstant).length !== ordered.length - 1) {
    return null;
  }
  const [below, above] = isRising ? [signs[at - 1], signs[at]] : [signs.at(-at), signs.at(-at - 1)];
  return {
    kind: 'group',
    brackets: `${isClosed(below, low) ? '[' : '('}${isClosed(above, high) ? ']' : ')'}`,
    elements: [low ?? infinity(true), high ?? infinity(false)],
  };
}

function isClosed(sign: string | undefined, side: TexAnswer | undefined): boolean {
  return side !== undefined && (sign === '\\le' || sign === '\\ge');
}

function variableOf(side: TexAnswer): string | null {
  if (side.kind !== 'value' || side.expression.kind !== 'symbol') return null;
  const [name] = variablesOf(side.expression);
  return name ?? null;
}

function isConstant(side: TexAnswer): boolean {
  return side.kind === 'value' && variablesOf(side.expression).size === 0;
}

function haveSameVariable(a: TexAnswer, b: TexAnswer): boolean {
  const [x, y] = [a, b].map((answer) => {
    return answer.kind === 'relation'
      ? answer.sides.map(variableOf).find((name) => name !== null)
      : null;
  });
  return x === y;
}

function infinity(isNegative: boolean): TexAnswer {
  const symbol: Expression = { kind: 'symbol', name: '\\infty' };
  const expression = isNegative ? call('-', symbol) : symbol;
  return { kind: 'value', expression, unit: null, source: isNegative ? '-\\infty' : '\\infty' };
}
