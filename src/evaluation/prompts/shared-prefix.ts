/** The common prefix of an evaluation's prompts: the header of a chat template, worked examples. */
import { commonLength } from '../../core/common-length.ts';
import type { TokenId } from '../../core/token-id.ts';

/** A shorter prefix is not worth a sequence of the cache. */
export const SHARED_LENGTH_MIN = 32;

/** @returns the longest common prefix; empty where it is short, or for fewer than two prompts */
export function sharedPrefix(prompts: readonly (readonly TokenId[])[]): readonly TokenId[] {
  const [first, ...others] = prompts;
  if (first === undefined || others.length === 0) return [];
  const length = others.reduce(
    (least, prompt) => Math.min(least, commonLength(first, prompt)),
    first.length,
  );
  return length < SHARED_LENGTH_MIN ? [] : first.slice(0, length);
}
