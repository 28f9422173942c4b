/** The tokens of a vocabulary as bytes in one buffer, for another thread. */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { TokenId } from '../core/token-id.ts';
import { tokenId } from '../core/token-id.ts';
import type { PackedVocabulary } from './xgrammar.ts';

export interface TokenSource {
  /** Ids from this size on do not exist. */
  readonly size: number;
  /** Tokens without bytes, such as control tokens and padding, are never allowed. */
  tokenBytes(id: TokenId): Uint8Array;
  /** The tokens that end an answer. They are allowed nowhere else. */
  readonly endIds: readonly TokenId[];
}

const SLICE_TOKEN_COUNT = 1024;

/** Works in slices, so that the event loop gets its turns in between. */
export async function packVocabulary(source: TokenSource): Promise<PackedVocabulary> {
  const { size, tokenBytes, endIds } = source;
  const offsets = new Int32Array(size + 1);
  const pieces: Uint8Array[] = [];
  for (let id = 0; id < size; id += 1) {
    if (id % SLICE_TOKEN_COUNT === 0) await eventLoopTurn();
    const piece = tokenBytes(tokenId(id));
    pieces.push(piece);
    offsets[id + 1] = (offsets[id] ?? 0) + piece.length;
  }
  const bytes = new Uint8Array(offsets[size] ?? 0);
  for (const [id, piece] of pieces.entries()) bytes.set(piece, offsets[id] ?? 0);
  return { bytes, offsets, endIds: Int32Array.from(endIds.filter((id) => id < size)) };
}
