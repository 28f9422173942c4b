/**
 * A source that cannot deliver a model, though another may. It never leaves the catalog: the pull
 * notes the reason and goes on to the next source.
 */
export class SourceFailure extends Error {
  /** True where trying the same again may help. */
  readonly isRetryable: boolean;

  constructor(reason: string, details: { isRetryable?: boolean; cause?: unknown } = {}) {
    super(reason, { cause: details.cause });
    this.name = 'SourceFailure';
    this.isRetryable = details.isRetryable ?? false;
  }
}
