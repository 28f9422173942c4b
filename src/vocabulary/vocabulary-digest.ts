/** Names the tokens of a vocabulary, so that two programs can compare theirs without sending them. */
import { createHash } from 'node:crypto';
import { tokenId } from '../core/token-id.ts';
import type { TokenTable } from './vocabulary-comparison.ts';

/** A SHA-256 in hex over the strings of the first `size` tokens. Padding counts as padding. */
export function vocabularyDigest(table: TokenTable, size: number): string {
  const strings = Array.from({ length: size }, (_, id) => table.tokenString(tokenId(id)));
  return createHash('sha256').update(JSON.stringify(strings)).digest('hex');
}
