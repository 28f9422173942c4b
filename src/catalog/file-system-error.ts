/**
 * File errors of the catalog. Their remedies: move its folder; the bytes pulled so far are kept.
 */
import { PilotfishError } from '../core/errors.ts';
import { fileError, isDiskFull } from '../storage/file-error.ts';

export const ANOTHER_HOME = 'set PILOTFISH_HOME to another folder';

/** The error to throw for a failed system call on `path`; anything else passes through. */
export function fileSystemError(error: unknown, action: string, path: string): unknown {
  if (isDiskFull(error)) return diskFull(path, null, error);
  return fileError(error, { action, path, otherwise: ANOTHER_HOME });
}

/** @param missingBytes the additional space that is needed, where it is known */
export function diskFull(
  path: string,
  missingBytes: number | null,
  cause?: unknown,
): PilotfishError {
  const amount = missingBytes === null ? '' : `: ${megabytes(missingBytes)} more are needed`;
  return new PilotfishError('disk-full', `The disk is full at ${path}${amount}.`, {
    remedy:
      'Free some space, or set PILOTFISH_HOME to a folder on another disk, and run it again; ' +
      'what was pulled so far is kept.',
    fields: { path, missingBytes },
    cause,
  });
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB`;
}
