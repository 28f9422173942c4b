import type { TokenId } from './token-id.ts';

/** How many tokens two texts have in common from their beginning. */
export function commonLength(a: readonly TokenId[], b: readonly TokenId[]): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length += 1;
  return length;
}
