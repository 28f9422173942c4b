/** What a client is told of a failure: a status, and the error object of the OpenAI API. */
import { type ErrorCode, PilotfishError } from '../core/errors.ts';

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The field of the request that is wrong; null: no single one. */
    readonly param: string | null;
    readonly code: string;
  };
}

export interface Refusal {
  readonly status: number;
  readonly body: ErrorBody;
  /** Seconds after which a client may try again. */
  readonly retryAfter?: number;
}

/** A failure of the HTTP side: a wrong field, key or model. */
export class RequestError extends Error {
  readonly refusal: Refusal;

  constructor(status: number, message: string, { code, param = null }: RequestErrorFacts) {
    super(message);
    this.name = 'RequestError';
    this.refusal = { status, body: bodyOf(status, message, code, param) };
  }
}

export interface RequestErrorFacts {
  readonly code: string;
  readonly param?: string | null;
}

/** OpenAI's own words where there are any. */
const CODES: Partial<Record<ErrorCode, readonly [status: number, code: string]>> = {
  'prompt-too-long': [400, 'context_length_exceeded'],
  'strategy-unknown': [404, 'model_not_found'],
  'engine-busy': [429, 'rate_limit_exceeded'],
  'kv-full': [503, 'kv_full'],
  'sequences-exhausted': [503, 'sequences_exhausted'],
  'memory-insufficient': [503, 'memory_insufficient'],
  disposed: [503, 'shutting_down'],
  'hub-unreachable': [502, 'hub_unreachable'],
  'server-unreachable': [502, 'server_unreachable'],
  'server-refused': [502, 'server_refused'],
  'server-invalid': [502, 'server_invalid'],
};

/** What the request asked for, and cannot have. */
const WRONG: readonly ErrorCode[] = [
  ...(['option-invalid', 'threshold-invalid', 'capability-missing', 'prompt-empty'] as const),
  ...(['grammar-invalid', 'grammar-stuck', 'schema-violated', 'template-failed'] as const),
  ...(['template-mismatch', 'head-missing'] as const),
];

const RETRY_AFTER_SECONDS = 1;

export function refusalOf(error: unknown): Refusal {
  if (error instanceof RequestError) return error.refusal;
  // The message of another failure may hold anything.
  if (!PilotfishError.isInstance(error)) return internal();
  const { code, message, remedy, fields } = error;
  const [status, name] =
    CODES[code] ?? (WRONG.includes(code) ? [400, snake(code)] : [500, snake(code)]);
  if (status === 500) return internal(name);
  const text = remedy === null ? message : `${message} ${remedy}`;
  const param = typeof fields['option'] === 'string' ? fields['option'] : null;
  const body = bodyOf(status, text, name, param);
  return status === 429 || status === 503
    ? { status, body, retryAfter: RETRY_AFTER_SECONDS }
    : { status, body };
}

function internal(code = 'internal_error'): Refusal {
  return { status: 500, body: bodyOf(500, 'The server failed. Its log says why.', code, null) };
}

function bodyOf(status: number, message: string, code: string, param: string | null): ErrorBody {
  return { error: { message, type: typeOf(status), param, code } };
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

function snake(code: string): string {
  return code.replaceAll('-', '_');
}
