/** Turns what the operating system says about a file into an error a user can act on. */
import { PilotfishError } from '../core/errors.ts';

/** The errno name of a failed system call, or null for any other error. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

export function isMissing(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}

/** The error to throw for a failed system call on `path`; anything else passes through. */
export function fileSystemError(error: unknown, action: string, path: string): unknown {
  if (PilotfishError.isInstance(error)) return error;
  const errno = errnoOf(error);
  if (errno === null) return error;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return diskFull(path, null, error);
  return new PilotfishError('file-system-failed', `Could not ${action} ${path}: ${errno}.`, {
    remedy: 'Check the path and its permissions, or set PILOTFISH_HOME to another folder.',
    fields: { path, errno },
    cause: error,
  });
}

/** @param missingBytes how much more room is needed, where that is known. */
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
