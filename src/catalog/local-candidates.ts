/**
 * The files on this machine that should be a certain model, not yet verified, in the order to try
 * them.
 */
import { stat } from 'node:fs/promises';
import { isMissing } from '../storage/file-error.ts';
import type { CatalogContext } from './catalog-context.ts';
import { fileSystemError } from './file-system-error.ts';
import { type ForeignFile, foreignFiles } from './foreign-caches.ts';
import type { PullableReference } from './model-reference.ts';
import { modelTarget } from './model-target.ts';
import { foreignReceiptPath, ownReceiptPath, type Receipt } from './receipt.ts';

export interface LocalCandidate {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly from: 'cache' | ForeignFile['source'];
  readonly receiptPath: string;
  /** The digests that it may have, by our table and by the cache that holds it. */
  readonly digests: readonly string[];
}

/** The file of our own cache, or null if there is none. @throws PilotfishError */
export async function ownCandidate(
  reference: PullableReference,
  context: CatalogContext,
): Promise<LocalCandidate | null> {
  const path = modelTarget(reference, context);
  const bytes = await sizeOfFile(path);
  if (bytes === null) return null;
  return {
    name: reference.name,
    path,
    bytes,
    from: 'cache',
    receiptPath: ownReceiptPath(path),
    digests: tableDigests(reference),
  };
}

/** Files of other programs. A digest of the hub they came from counts as well as our table. */
export async function foreignCandidates(
  reference: PullableReference,
  context: CatalogContext,
): Promise<readonly LocalCandidate[]> {
  const files = await foreignFiles(reference, context);
  return files
    .filter((file) => canBe(reference, file))
    .map(({ path, bytes, source, sha256 }) => ({
      name: reference.name,
      path,
      bytes,
      from: source,
      receiptPath: foreignReceiptPath(path, context),
      digests: [...tableDigests(reference), ...(sha256 === null ? [] : [sha256])],
    }));
}

/**
 * The digests that the bytes may have. For our own file, the receipt holds the digest of its
 * source.
 */
export function expectedDigests(
  candidate: LocalCandidate,
  receipt: Receipt | null,
): readonly string[] {
  const own = candidate.from === 'cache' && receipt !== null ? [receipt.sha256] : [];
  return [...new Set([...own, ...candidate.digests])];
}

/** The size of a regular file, or null if there is none. @throws PilotfishError */
export async function sizeOfFile(path: string): Promise<number | null> {
  try {
    const seen = await stat(path);
    return seen.isFile() ? seen.size : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw fileSystemError(error, 'read', path);
  }
}

function tableDigests(reference: PullableReference): readonly string[] {
  return reference.kind === 'known' ? [reference.model.sha256] : [];
}

/** The size alone reveals a download that was cut off, without hashing a gigabyte. */
function canBe(reference: PullableReference, file: ForeignFile): boolean {
  if (reference.kind !== 'known' || file.sha256 !== null) return true;
  return file.bytes === reference.model.bytes;
}
