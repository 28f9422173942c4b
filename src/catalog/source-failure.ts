/**
 * A source cannot deliver a model, though another one may. The error never leaves the catalog: the
 * pull records the reason and tries the next source.
 */
export class SourceFailure extends Error {
  /** Whether a retry may help. */
  readonly isRetryable: boolean;

  constructor(reason: string, details: { isRetryable?: boolean; cause?: unknown } = {}) {
    super(reason, { cause: details.cause });
    this.name = 'SourceFailure';
    this.isRetryable = details.isRetryable ?? false;
  }
}
