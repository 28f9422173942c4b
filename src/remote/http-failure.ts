/** What the HTTP status of a server, and its words, mean for a user. Pure. */
import { z } from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { ServerFailure } from './server-failure.ts';

export interface FailedReply {
  readonly host: string;
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
  readonly contentType: string | null;
  readonly retryAfter: string | null;
  /** Where a redirect leads. */
  readonly location: string | null;
  /** What must not be shown, if the server repeats it. */
  readonly key: string | null;
}

/** Errors that tend to pass, beside those of the server itself. */
const RETRYABLE_STATUS: readonly number[] = [408, 409, 425, 429];
/** It does not know the method, or the version of HTTP. */
const LASTING_STATUS: readonly number[] = [501, 505];

const MESSAGE_LENGTH_MAX = 300;

export function httpFailure(reply: FailedReply, nowMs: number = Date.now()): ServerFailure {
  const { host, status } = reply;
  const said = wordsOf(reply);
  const answers = `The server at ${host} answers with the HTTP status ${status}${said}.`;
  const isServers = status >= 500 && !LASTING_STATUS.includes(status);
  const isRetryable = isServers || RETRYABLE_STATUS.includes(status);
  const retryAfterMs = isRetryable ? retryAfterOf(reply.retryAfter, nowMs) : undefined;
  const failure = (code: 'server-refused' | 'server-unreachable', remedy: string): ServerFailure =>
    new ServerFailure(host, answers, { code, remedy, status, isRetryable, retryAfterMs });
  if (status >= 300 && status < 400) return redirected(reply);
  if (status === 401 || status === 403) {
    const remedy =
      reply.key === null
        ? 'It asks for a key: set the variable that holds it (see --large-key-env).'
        : 'Check the key: the server does not accept it for this model.';
    return failure('server-refused', remedy);
  }
  if (status === 404) {
    return failure('server-refused', "Check the path of the address, and the model's name in it.");
  }
  if (status === 407) {
    const remedy = 'The proxy wants a user and password: give them in HTTPS_PROXY or HTTP_PROXY.';
    return failure('server-refused', remedy);
  }
  if (status === 429) return failure('server-unreachable', 'Wait, or raise the limit of the key.');
  if (isRetryable) {
    return failure('server-unreachable', "Try again later, and look at the server's own log.");
  }
  return failure('server-refused', 'Change what the server names, or use another server.');
}

function redirected({ host, status, location }: FailedReply): ServerFailure {
  const to = location !== null && URL.canParse(location) ? new URL(location) : null;
  const where = to === null ? 'elsewhere' : `to ${to.protocol}//${to.host}`;
  return new ServerFailure(host, `The server at ${host} redirects ${where}.`, {
    code: 'server-refused',
    // A redirect could carry the key to another host.
    remedy: 'Give the address that it redirects to, if you trust it.',
    status,
  });
}

const WORDS = z.union([
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
]);

/** What the server says, as a clause with the colon before it. */
function wordsOf({ text, contentType, key }: FailedReply): string {
  if (contentType?.includes('html') === true) return ', with a web page';
  const parsed = WORDS.safeParse(parseJson(text));
  const words = (parsed.success ? parsed.data : text).replace(/\s+/g, ' ').trim();
  const shown = withoutKey(words, key).slice(0, MESSAGE_LENGTH_MAX).replace(/\.$/, '');
  return shown === '' ? '' : `: ${shown}`;
}

export function withoutKey(text: string, key: string | null): string {
  return key === null ? text : text.replaceAll(key, '[key]');
}

/** Seconds or a date (RFC 9110, section 10.2.3). */
function retryAfterOf(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : null;
  const waitMs = seconds === null ? Date.parse(text) - nowMs : seconds * 1000;
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}
