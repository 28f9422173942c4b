/** The SHA-256 of a model on disk, read in pieces: models do not fit in memory twice. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { definedFields } from '../core/defined-fields.ts';
import { throwIfAborted } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import { fileError } from './file-error.ts';
import { partPaths } from './split-file.ts';

const PIECE_BYTES = 4 * 1024 * 1024;

export interface FileDigestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** The way out, beside the remedy of the error; default: none. */
  readonly otherwise?: string | undefined;
}

/**
 * The digest in hex. That of a split model is the digest of all parts, one after the other.
 * @param label of the progress, for people
 * @throws PilotfishError `aborted`, `file-system-failed`, and as `partPaths`
 */
export async function fileDigest(
  path: string,
  label: string,
  { signal, onProgress, otherwise }: FileDigestOptions = {},
): Promise<string> {
  const parts = await partPaths(path);
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (const part of parts) {
    try {
      await using file = await open(part, 'r');
      const { size } = await file.stat();
      for (let done = 0; ; ) {
        throwIfAborted(signal);
        const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, done);
        if (bytesRead === 0) break;
        hash.update(piece.subarray(0, bytesRead));
        done += bytesRead;
        onProgress?.({ label, done, total: size, unit: 'bytes' });
      }
    } catch (error) {
      throw fileError(error, { action: 'read', path: part, ...definedFields({ otherwise }) });
    }
  }
  return hash.digest('hex');
}

const SHA256 = /^[0-9a-f]{64}$/;

export function isSha256(text: string): boolean {
  return SHA256.test(text);
}
