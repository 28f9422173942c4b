/**
 * The requirements on a grammar before it is compiled: it can match finite texts, and it is not too
 * large.
 */
import { required } from '../core/invariant.ts';
import {
  choice,
  EMPTY,
  type Expression,
  type Grammar,
  partsOf,
  repeat,
  sequence,
} from './expression.ts';
import { grammarError } from './grammar-error.ts';

/**
 * The most characters and classes of all rules, with repetitions counted as often as they may occur.
 */
export const GRAMMAR_SIZE_MAX = 50_000;
const RULE_COUNT_MAX = 20_000;

/**
 * The grammar without the alternatives that no finite text matches. Otherwise an answer could enter
 * such an alternative and never end.
 * @throws PilotfishError `grammar-invalid` if it is too large, or if nothing is left
 */
export function usableGrammar(grammar: Grammar): Grammar {
  checkSize(grammar);
  const finite = finiteRules(grammar);
  const root = pruned(grammar.root, finite);
  if (root === null) throw nothingMatches(grammar, finite);
  return { root, rules: usedRules(root, grammar.rules, finite) };
}

function nothingMatches({ root, rules }: Grammar, finite: ReadonlySet<string>): Error {
  const endless = new Map([...rules].filter(([name]) => !finite.has(name)));
  return isRecursive(root, endless)
    ? grammarError(
        'Nothing matches the grammar: every text that it begins goes on without end.',
        'Give the recursion an end.',
      )
    : grammarError(
        'Nothing matches the grammar: it needs a character where none is allowed.',
        'Allow at least one there, or leave that part out.',
      );
}

/**
 * Whether some of these rules, reachable from an expression, refer to themselves directly or
 * indirectly.
 */
function isRecursive(root: Expression, rules: Grammar['rules']): boolean {
  const waiting = rulesWithin(root, rules);
  const leadsTo = new Map<string, readonly string[]>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (leadsTo.has(name)) continue;
    const next = rulesWithin(required(rules.get(name), `there is a rule ${name}`), rules);
    leadsTo.set(name, next);
    waiting.push(...next);
  }
  // Removes rules that lead to no other rule, again and again. Only cycles remain.
  for (let before = -1; before !== leadsTo.size; ) {
    before = leadsTo.size;
    for (const [name, next] of leadsTo) {
      if (!next.some((other) => leadsTo.has(other))) leadsTo.delete(name);
    }
  }
  return leadsTo.size > 0;
}

/** The names of these rules that an expression refers to. */
function rulesWithin(expression: Expression, rules: Grammar['rules']): string[] {
  if (expression.kind !== 'rule') {
    return partsOf(expression).flatMap((part) => rulesWithin(part, rules));
  }
  return rules.has(expression.name) ? [expression.name] : [];
}

/** The rules reachable from the root, pruned, in the order in which they are met. */
function usedRules(
  root: Expression,
  rules: Grammar['rules'],
  finite: ReadonlySet<string>,
): Map<string, Expression> {
  const used = new Map<string, Expression>();
  const waiting = [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    waiting.push(...partsOf(next));
    if (next.kind !== 'rule' || used.has(next.name)) continue;
    const body = pruned(required(rules.get(next.name), `there is a rule ${next.name}`), finite);
    if (body === null) continue;
    used.set(next.name, body);
    waiting.push(body);
  }
  return used;
}

function checkSize({ root, rules }: Grammar): void {
  let size = sizeOf(root);
  for (const expression of rules.values()) size += sizeOf(expression);
  if (size <= GRAMMAR_SIZE_MAX && rules.size <= RULE_COUNT_MAX) return;
  throw grammarError(
    `The grammar is too large: ${size} characters with all repetitions, in ${rules.size} rules.`,
    'Use smaller repetition counts, or fewer alternatives.',
  );
}

function sizeOf(expression: Expression): number {
  switch (expression.kind) {
    case 'text':
      return expression.text.length + 1;
    case 'class':
    case 'rule':
      return 1;
    case 'automaton':
      return expression.states.length;
    case 'repeat':
      return sizeOf(expression.part) * Math.max(1, expression.max ?? expression.min);
    default:
      return partsOf(expression).reduce((sum, part) => sum + sizeOf(part), 1);
  }
}

/** The rules that match some finite text: the least fixed point. */
function finiteRules({ rules }: Grammar): ReadonlySet<string> {
  const finite = new Set<string>();
  for (let before = -1; before < finite.size; ) {
    before = finite.size;
    for (const [name, expression] of rules) {
      if (!finite.has(name) && matchesSome(expression, finite)) finite.add(name);
    }
  }
  return finite;
}

function matchesSome(expression: Expression, finite: ReadonlySet<string>): boolean {
  return pruned(expression, finite) !== null;
}

/** The part of an expression that finite texts match; null if there is none. */
function pruned(expression: Expression, finite: ReadonlySet<string>): Expression | null {
  const kept = (parts: readonly Expression[]): Expression[] =>
    parts.flatMap((part) => pruned(part, finite) ?? []);
  switch (expression.kind) {
    case 'text':
    case 'automaton':
      return expression;
    case 'class':
      return expression.set.length > 0 ? expression : null;
    case 'rule':
      return finite.has(expression.name) ? expression : null;
    case 'sequence': {
      const parts = kept(expression.parts);
      return parts.length < expression.parts.length ? null : sequence(...parts);
    }
    case 'choice': {
      const options = kept(expression.options);
      return options.length === 0 ? null : choice(...options);
    }
    case 'repeat': {
      const part = pruned(expression.part, finite);
      if (part === null) return expression.min === 0 ? EMPTY : null;
      return repeat(part, expression.min, expression.max);
    }
  }
}
