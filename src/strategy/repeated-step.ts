/** The rule against loops: a step that repeats the two steps before it has the reward 0. Pure. */
import type { TokenId } from '../core/token-id.ts';

/** The steps before a step that it may not repeat, all of them. */
const REPEATED_COUNT = 2;

/** @param before the steps of the answer up to this one; only the last ones matter */
export function repeatsBefore(
  step: readonly TokenId[],
  before: readonly (readonly TokenId[])[],
): boolean {
  const last = before.slice(-REPEATED_COUNT);
  return last.length === REPEATED_COUNT && last.every((other) => isSame(other, step));
}

function isSame(one: readonly TokenId[], other: readonly TokenId[]): boolean {
  return one.length === other.length && one.every((id, at) => id === other[at]);
}
