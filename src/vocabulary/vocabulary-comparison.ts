/**
 * Two models share tokens iff their token strings agree over the common range. Ids beyond that range
 * are padding of the larger table and are masked.
 */
import { PilotfishError } from '../core/errors.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';

/** The part of a vocabulary that the comparison needs. */
export interface TokenTable {
  readonly size: number;
  tokenString(id: TokenId): string | null;
}

/** The first id at which the tables differ, or null. */
export function firstDifference(a: TokenTable, b: TokenTable): TokenId | null {
  const common = Math.min(a.size, b.size);
  for (let id = 0; id < common; id += 1) {
    if (a.tokenString(tokenId(id)) !== b.tokenString(tokenId(id))) return tokenId(id);
  }
  return null;
}

/**
 * Tables whose sizes differ by more than this belong to different models, even if their common range
 * agrees: padding fills a table up to a round number, but real tokens come by the thousand.
 */
export const PADDING_COUNT_MAX = 1024;

/** @returns the size of the common range @throws PilotfishError `vocabulary-mismatch` */
export function commonVocabularySize(
  small: TokenTable & { readonly name: string },
  large: TokenTable & { readonly name: string },
): number {
  const at = firstDifference(small, large);
  const sizes = `${small.name} has ${small.size} tokens, ${large.name} has ${large.size}`;
  const remedy = 'Choose two models of one family, which share a vocabulary.';
  if (at !== null) {
    const strings = `"${small.tokenString(at)}" and "${large.tokenString(at)}"`;
    throw new PilotfishError(
      'vocabulary-mismatch',
      `The models have different vocabularies: token ${at} is ${strings} (${sizes}).`,
      { remedy, fields: { tokenId: at, smallSize: small.size, largeSize: large.size } },
    );
  }
  if (Math.abs(small.size - large.size) > PADDING_COUNT_MAX) {
    throw new PilotfishError('vocabulary-mismatch', `The vocabularies differ in size: ${sizes}.`, {
      remedy,
      fields: { smallSize: small.size, largeSize: large.size },
    });
  }
  return Math.min(small.size, large.size);
}
