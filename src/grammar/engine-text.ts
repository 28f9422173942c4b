/**
 * A grammar as text for the matching engine (XGrammar's dialect of EBNF), with one rule for every
 * state of every rule's automaton: `r1s2 ::= [a-z] r1s2 | r4s0 r1s3 | ""`. It uses only constructs
 * that the engine was measured to handle correctly: classes of bytes and references
 * (docs/decisions/0009-grammar.md).
 */
import { required } from '../core/invariant.ts';
import type { ByteRange } from './code-points.ts';
import type { Expression, Grammar } from './expression.ts';
import { grammarError } from './grammar-error.ts';
import { type RuleState, ruleAutomaton } from './rule-automaton.ts';

/** The most states of all rules together, because each state costs compile time. */
const STATE_COUNT_MAX = 10_000;

/**
 * @param grammar without parts that match nothing (`usableGrammar`)
 * @throws PilotfishError `grammar-invalid` if it is too large
 */
export function engineText({ root, rules }: Grammar): string {
  const numbers = new Map([...rules.keys()].map((name, index) => [name, index + 1]));
  const lines: string[] = ['root ::= r0s0'];
  const add = (number: number, body: Expression): void => {
    const states = ruleAutomaton(body);
    for (const [index, state] of states.entries()) {
      lines.push(`r${number}s${index} ::= ${alternatives(state, number, numbers)}`);
    }
    if (lines.length <= STATE_COUNT_MAX) return;
    throw grammarError(
      `The grammar has more than ${STATE_COUNT_MAX} states.`,
      'Use smaller repetition counts, or fewer options.',
    );
  };
  add(0, root);
  for (const [name, body] of rules)
    add(required(numbers.get(name), 'every rule has a number'), body);
  return lines.join('\n');
}

function alternatives(
  state: RuleState,
  rule: number,
  numbers: ReadonlyMap<string, number>,
): string {
  const options = state.byteEdges.map(({ ranges, to }) => `${byteClass(ranges)} r${rule}s${to}`);
  for (const edge of state.ruleEdges) {
    const other = required(numbers.get(edge.rule), `the grammar has a rule ${edge.rule}`);
    options.push(`r${other}s0 r${rule}s${edge.to}`);
  }
  if (state.isEnd) options.push('""');
  return options.join(' | ');
}

/** The engine would read a class of one byte as a character again. Written twice, it stays a class. */
function byteClass(ranges: readonly ByteRange[]): string {
  const all = ranges.length === 1 ? [...ranges, ...ranges] : ranges;
  return `[${all.map(({ first, last }) => `${hexByte(first)}-${hexByte(last)}`).join('')}]`;
}

function hexByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
