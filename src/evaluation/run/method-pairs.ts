/** The pairs of methods that an evaluation compares, and what the second is to the first. Pure. */
import { isRandomControl, type Method } from '../../strategy/method.ts';
import type { ComparedWith } from '../results.ts';

/** All pairs but those of two random controls, each once. Trained methods come first, controls last. */
export function methodPairs(methods: readonly Method[]): readonly (readonly [Method, Method])[] {
  const order = [...methods].sort((a, b) => rank(a) - rank(b));
  return order.flatMap((method, index) =>
    isRandomControl(method) ? [] : order.slice(index + 1).map((other) => [method, other] as const),
  );
}

function rank(method: Method): number {
  if (isRandomControl(method)) return 2;
  return method.head === null ? 1 : 0;
}

/**
 * Whether equal shares of tokens are equal costs for both: only within a unit, and not for steps, because
 * a reward pays for drafts that are thrown away and its control has none.
 */
export function sharesTellCosts(method: Method, other: Method): boolean {
  return method.unit === other.unit && method.unit !== 'step';
}

export function comparedWith(method: Method, other: Method): ComparedWith {
  if (isRandomControl(other)) return 'control';
  const isRule = method.head !== null && other.head === null && method.unit === other.unit;
  return isRule ? 'rule' : 'method';
}
