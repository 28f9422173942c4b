/** Drafting on while a verdict is on its way, as if it will be an acceptance. */
import { commonLength } from '../core/common-length.ts';
import type { TokenId } from '../core/token-id.ts';

export interface AheadDraft {
  readonly tokenId: TokenId;
  /** Whether it stands without a verdict. */
  readonly isSure: boolean;
}

export interface AheadOptions {
  /** The verdict on the last token of the text: no draft begins after it. */
  readonly asking: Promise<unknown>;
  readonly countMax: number;
}

/**
 * Drafts tokens that will stand if the verdict accepts, and at last one that is not sure. Noise depends
 * on positions, so drafts are the same now and later.
 */
export async function draftAhead<D extends AheadDraft>(
  draft: (text: readonly TokenId[]) => Promise<D>,
  start: readonly TokenId[],
  { asking, countMax }: AheadOptions,
): Promise<readonly D[]> {
  const ahead: D[] = [];
  let isDecided = false;
  const decide = (): void => {
    isDecided = true;
  };
  // Its failure is the caller's; here it only ends the drafting.
  asking.then(decide, decide);
  try {
    for (let text = start; ahead.length < countMax && !isDecided; ) {
      const drafted = await draft(text);
      ahead.push(drafted);
      if (!drafted.isSure) break;
      text = [...text, drafted.tokenId];
    }
    return ahead;
  } catch (error) {
    // No call may be in flight when a round fails.
    await asking.catch(() => undefined);
    throw error;
  }
}

/** What was drafted ahead of a text, if the text came to be as it was drafted for; else null. */
export function takeAhead<D extends { readonly text: readonly TokenId[] }>(
  drafted: D | null,
  text: readonly TokenId[],
): D | null {
  const isNext = drafted !== null && drafted.text.length === text.length;
  return isNext && commonLength(drafted.text, text) === text.length ? drafted : null;
}
