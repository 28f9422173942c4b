/** Lists of token ids, ceil(log2 V) bits each: see docs/decisions/0035-link-frames.md for why. */
import { type TokenId, tokenIds } from '../core/token-id.ts';
import { tokenIdBitCount } from '../sampling/compressed-distribution.ts';
import { pack, packedByteCount, unpack } from './bit-packing.ts';
import { frameInvalid } from './frame-invalid.ts';
import type { FrameReader } from './frame-reader.ts';
import type { FrameWriter } from './frame-writer.ts';

export function tokenIdsByteCount(count: number, vocabularySize: number): number {
  return packedByteCount(count, [tokenIdBitCount(vocabularySize)]);
}

export function writeTokenIds(
  writer: FrameWriter,
  ids: readonly TokenId[],
  vocabularySize: number,
): void {
  writer.bytes(pack([{ values: ids, width: tokenIdBitCount(vocabularySize) }]));
}

/** @param count at most the limit of its field @throws PilotfishError `frame-invalid` */
export function readTokenIds(
  reader: FrameReader,
  field: string,
  count: number,
  vocabularySize: number,
): TokenId[] {
  const bytes = reader.bytes(field, tokenIdsByteCount(count, vocabularySize));
  const [ids = new Uint32Array()] = unpack(bytes, count, [tokenIdBitCount(vocabularySize)]);
  checkTokenIds(field, ids, vocabularySize);
  return tokenIds(Array.from(ids));
}

/** @throws PilotfishError `frame-invalid` */
export function checkTokenIds(field: string, ids: Uint32Array, vocabularySize: number): void {
  const outside = ids.find((id) => id >= vocabularySize);
  if (outside === undefined) return;
  throw frameInvalid(field, outside, `a token of the vocabulary of ${vocabularySize}`);
}
