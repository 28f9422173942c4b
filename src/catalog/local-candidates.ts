/** The files on this machine that should be a certain model, unverified, in the order to try. */
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
  /** What it may hash to, by our table and by the cache it lies in. */
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

/** Files of other programs. The word of the hub they came from counts as well as our table. */
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

/** What the bytes may hash to. For our own file the receipt is the word of where it came from. */
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

/** The size alone tells a download that was cut off; a gigabyte is not hashed to learn that. */
function canBe(reference: PullableReference, file: ForeignFile): boolean {
  if (reference.kind !== 'known' || file.sha256 !== null) return true;
  return file.bytes === reference.model.bytes;
}
