/** A call to a server that failed: whether trying again may help, and what a user can do. */
import { type ErrorCode, PilotfishError } from '../core/errors.ts';

export interface ServerFailureDetails {
  readonly code: Extract<ErrorCode, 'server-unreachable' | 'server-refused' | 'server-invalid'>;
  readonly remedy: string;
  /** The HTTP status of the answer; absent: there was none. */
  readonly status?: number | undefined;
  readonly isRetryable?: boolean | undefined;
  /** How long the server asks to wait. */
  readonly retryAfterMs?: number | undefined;
  /** Whether nothing was sent; absent: it may have been. */
  readonly isUnsent?: boolean | undefined;
  readonly cause?: unknown;
}

export class ServerFailure extends PilotfishError {
  readonly isRetryable: boolean;
  readonly retryAfterMs: number | null;
  readonly status: number | null;
  /** Whether the server bills nothing: it has refused the call, or never got it. */
  readonly isUnpaid: boolean;

  /** @param message names the host, and never a key */
  constructor(host: string, message: string, details: ServerFailureDetails) {
    const { code, remedy, status, cause } = details;
    const fields = status === undefined ? { host } : { host, status };
    super(code, message, { remedy, fields, cause });
    this.isRetryable = details.isRetryable ?? false;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.status = status ?? null;
    this.isUnpaid = status !== undefined || details.isUnsent === true;
  }
}
