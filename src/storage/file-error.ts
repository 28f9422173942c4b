/** A failed file operation, as an error that a user can act on. */
import { type ErrorCode, PilotfishError } from '../core/errors.ts';

/** The attempted operation on a file, and the remedy for the user. */
export interface FileAccess {
  /** A verb, with an object where that says more: "read", "write", "read the router". */
  readonly action: string;
  readonly path: string;
  /** An alternative remedy, as a clause after "or": "choose another folder with --out". */
  readonly otherwise?: string | undefined;
  /** Instead of `file-system-failed`. */
  readonly code?: ErrorCode | undefined;
}

interface Failure {
  readonly reason: string;
  readonly remedy?: string;
  readonly isFull?: boolean;
  /** Another file or folder would fail in the same way. */
  readonly isEverywhere?: boolean;
}

const CHECK_PATH = 'Check the path and its permissions';
const FREE_SPACE = 'Free some space';
const CLOSE_FILES = 'Close other programs, or raise the limit of open files (ulimit -n)';

/** By errno name. */
const FAILURES: Readonly<Record<string, Failure>> = {
  ENOSPC: { reason: 'the disk is full', remedy: FREE_SPACE, isFull: true },
  EDQUOT: { reason: 'the disk quota is used up', remedy: FREE_SPACE, isFull: true },
  ENOENT: { reason: 'there is no such file or folder' },
  ENOTDIR: { reason: 'a part of the path is not a folder' },
  EEXIST: { reason: 'a file is in the way' },
  EISDIR: { reason: 'it is a folder' },
  EACCES: { reason: 'permission is denied' },
  EPERM: { reason: 'permission is denied' },
  EROFS: { reason: 'the disk is read-only' },
  EBUSY: { reason: 'another program uses it' },
  ELOOP: { reason: 'its links lead in a circle' },
  ENAMETOOLONG: { reason: 'the name is too long' },
  EFBIG: { reason: 'the file would be too large' },
  EIO: { reason: 'the device reports an error', remedy: 'Check the disk' },
  EMFILE: { reason: 'too many files are open', remedy: CLOSE_FILES, isEverywhere: true },
  ENFILE: { reason: 'too many files are open', remedy: CLOSE_FILES, isEverywhere: true },
};

/**
 * The error to throw for a failed system call: `disk-full`, `file-system-failed`, or the code of
 * `access`. Operating errors, and errors from elsewhere than a system call, are returned unchanged.
 */
export function fileError(error: unknown, access: FileAccess): unknown {
  if (PilotfishError.isInstance(error)) return error;
  const errno = errnoOf(error);
  if (errno === null) return error;
  const { action, path, otherwise, code = 'file-system-failed' } = access;
  const known = FAILURES[errno];
  const remedy = known?.remedy ?? CHECK_PATH;
  const hasOther = otherwise !== undefined && known?.isEverywhere !== true;
  const why = known === undefined ? errno : `${known.reason} (${errno})`;
  return new PilotfishError(
    known?.isFull === true ? 'disk-full' : code,
    `Could not ${action} ${path}: ${why}.`,
    {
      remedy: hasOther ? `${remedy}, or ${otherwise}.` : `${remedy}.`,
      fields: { path, errno },
      cause: error,
    },
  );
}

/** The errno name of a failed system call, or null for any other error. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether the error says that the file does not exist. */
export function isMissing(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}

export function isDiskFull(error: unknown): boolean {
  return FAILURES[errnoOf(error) ?? '']?.isFull === true;
}
