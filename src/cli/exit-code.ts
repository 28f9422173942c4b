/** The exit code of every outcome. Scripts rely on it; `pilotfish --help` prints it. */
import { type ErrorCode, PilotfishError } from '../core/errors.ts';

/** Numbers above 2 follow sysexits (70: a bug) and the shells (128 + the signal's number). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  internal: 70,
  interrupted: 130,
  terminated: 143,
} as const;

/** A usage error is an error that another command line avoids. */
const OF_ERROR: Readonly<Record<ErrorCode, number>> = {
  'option-invalid': EXIT.usage,
  'strategy-unknown': EXIT.usage,
  'threshold-invalid': EXIT.usage,
  'model-unknown': EXIT.usage,
  'capability-missing': EXIT.usage,
  'pair-unknown': EXIT.usage,
  'prompt-empty': EXIT.usage,
  'prompt-too-long': EXIT.usage,
  'grammar-invalid': EXIT.usage,
  'grammar-stuck': EXIT.failed,
  'schema-violated': EXIT.failed,
  'template-failed': EXIT.failed,
  'template-mismatch': EXIT.failed,
  'vocabulary-mismatch': EXIT.failed,
  'task-unknown': EXIT.usage,
  'slice-unknown': EXIT.usage,
  'question-unknown': EXIT.usage,
  'data-not-found': EXIT.failed,
  'data-invalid': EXIT.failed,
  'data-overlap': EXIT.failed,
  'model-file-missing': EXIT.failed,
  'model-file-invalid': EXIT.failed,
  'model-file-truncated': EXIT.failed,
  'model-architecture-unsupported': EXIT.failed,
  'model-load-failed': EXIT.failed,
  'embedding-unavailable': EXIT.failed,
  'digest-mismatch': EXIT.failed,
  'download-failed': EXIT.failed,
  'source-unavailable': EXIT.failed,
  'disk-full': EXIT.failed,
  'file-system-failed': EXIT.failed,
  'library-missing': EXIT.failed,
  'library-mismatch': EXIT.failed,
  'memory-insufficient': EXIT.failed,
  'native-failed': EXIT.failed,
  'kv-full': EXIT.failed,
  'sequences-exhausted': EXIT.failed,
  'profile-unknown': EXIT.usage,
  'profile-invalid': EXIT.failed,
  'profile-incomplete': EXIT.failed,
  'log-invalid': EXIT.failed,
  'cache-invalid': EXIT.failed,
  'evaluation-invalid': EXIT.usage,
  'result-invalid': EXIT.failed,
  'training-data-insufficient': EXIT.failed,
  'training-diverged': EXIT.failed,
  'head-missing': EXIT.usage,
  'head-invalid': EXIT.failed,
  'head-mismatch': EXIT.failed,
  'reward-invalid': EXIT.failed,
  'training-invalid': EXIT.failed,
  'frame-invalid': EXIT.failed,
  'hub-unreachable': EXIT.failed,
  'hub-refused': EXIT.failed,
  'server-unreachable': EXIT.failed,
  'server-refused': EXIT.failed,
  'server-invalid': EXIT.failed,
  'engine-busy': EXIT.failed,
  disposed: EXIT.failed,
  aborted: EXIT.interrupted,
};

export const EXIT_CODE_HELP = `Exit codes:
  0    done
  1    it failed: a model, a download, this machine
  2    the command line asks for something that cannot be
  70   a bug in Pilotfish
  130  interrupted with Ctrl-C
  143  terminated`;

export function exitCodeOf(error: unknown): number {
  return PilotfishError.isInstance(error) ? OF_ERROR[error.code] : EXIT.internal;
}
