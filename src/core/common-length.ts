import type { TokenId } from './token-id.ts';

/** The length of the longest common prefix of two texts, in tokens. */
export function commonLength(a: readonly TokenId[], b: readonly TokenId[]): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length += 1;
  return length;
}
