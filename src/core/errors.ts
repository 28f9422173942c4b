/**
 * Operating errors: failures that are no bug in this program. Each has a code from a closed list,
 * the values that were seen, and a remedy. A bug throws an `InvariantError` instead (invariant.ts).
 */

/** Every code an operating error can carry. Scripts may rely on these names. */
export const ERROR_CODES = [
  // Errors in the options of the user.
  'option-invalid',
  'strategy-unknown',
  'threshold-invalid',
  'model-unknown',
  'capability-missing',
  'pair-unknown',
  'prompt-empty',
  'prompt-too-long',
  'grammar-invalid',
  'grammar-stuck',
  'schema-violated',
  'template-failed',
  'template-mismatch',
  'vocabulary-mismatch',
  // The questions of an evaluation.
  'task-unknown',
  'slice-unknown',
  'question-unknown',
  'data-not-found',
  'data-invalid',
  'data-overlap',
  // Model files and their sources.
  'model-file-missing',
  'model-file-invalid',
  'model-file-truncated',
  'model-architecture-unsupported',
  'model-load-failed',
  'embedding-unavailable',
  'digest-mismatch',
  'download-failed',
  'source-unavailable',
  'disk-full',
  'file-system-failed',
  // This machine and its native library.
  'library-missing',
  'library-mismatch',
  'memory-insufficient',
  'native-failed',
  'kv-full',
  'sequences-exhausted',
  // Profiles of machines, and recorded runs.
  'profile-unknown',
  'profile-invalid',
  'profile-incomplete',
  'log-invalid',
  // Evaluations.
  'cache-invalid',
  'evaluation-invalid',
  'result-invalid',
  // Trained heads and their training.
  'head-missing',
  'head-invalid',
  'head-mismatch',
  'reward-invalid',
  'training-invalid',
  'training-data-insufficient',
  'training-diverged',
  // The link between a device and a hub.
  'frame-invalid',
  'hub-unreachable',
  'hub-refused',
  // A server with a model that this program does not run itself.
  'server-unreachable',
  'server-refused',
  'server-invalid',
  // Life cycle.
  'engine-busy',
  'disposed',
  'aborted',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface PilotfishErrorDetails {
  /** What the user can do about it, as an imperative sentence. */
  readonly remedy?: string | null | undefined;
  /** The values seen, for programs to read. */
  readonly fields?: Readonly<Record<string, string | number | boolean | null>>;
  readonly cause?: unknown;
}

const MARKER: unique symbol = Symbol.for('pilotfish.error') as never;

export class PilotfishError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | null;
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;

  constructor(code: ErrorCode, message: string, details: PilotfishErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PilotfishError';
    this.code = code;
    this.remedy = details.remedy ?? null;
    this.fields = details.fields ?? {};
    Object.defineProperty(this, MARKER, { value: true });
  }

  /** True for the errors of any copy of this package, where `instanceof` would fail. */
  static isInstance(error: unknown): error is PilotfishError {
    return typeof error === 'object' && error !== null && MARKER in error;
  }
}

/** The reason of an aborted signal as an error: the caller's own error if the reason is one. */
export function abortError(signal: AbortSignal): PilotfishError {
  const reason: unknown = signal.reason;
  if (PilotfishError.isInstance(reason)) return reason;
  return new PilotfishError('aborted', 'The request was cancelled.', { cause: reason });
}

/** @throws PilotfishError `aborted` if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal);
}
