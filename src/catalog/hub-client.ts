/**
 * Requests to the hub: a lookup of a file's digest and size, and a download that follows redirects
 * to the server with the bytes.
 * Invariant: the token goes to the host of HF_ENDPOINT and to no other, and is in no message.
 */
import { type Dispatcher, request } from 'undici';
import { abortError } from '../core/errors.ts';
import { connectionReason } from '../http/connection-reason.ts';
import { dispatcherOf } from '../http/dispatcher.ts';
import { isSha256 } from '../storage/file-digest.ts';
import type { CatalogContext, Environment } from './catalog-context.ts';
import type { HubFile } from './model-reference.ts';
import type { Content } from './partial-file.ts';
import { SourceFailure } from './source-failure.ts';

const DEFAULT_ENDPOINT = 'https://huggingface.co';
/** Without "identity" a cache on the way may compress, and offsets would have no meaning. */
const FIXED_HEADERS = { 'user-agent': 'pilotfish', 'accept-encoding': 'identity' };
/** The most bytes of a discarded body that are read, so that the connection can be reused. */
const DISCARDED_BYTES_MAX = 64 * 1024;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Server errors that tend to pass. */
const RETRYABLE_STATUS: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

type Response = Dispatcher.ResponseData;

export class HubClient {
  readonly #context: CatalogContext;
  readonly #endpoint: URL;
  readonly #dispatcher: Dispatcher;

  /** @throws SourceFailure if HF_ENDPOINT is not a web address */
  constructor(context: CatalogContext) {
    this.#context = context;
    this.#endpoint = endpointOf(context.env);
    this.#dispatcher = dispatcherOf(
      context.env,
      context.limits,
      // The address may hold a password: the cause is kept, but not shown.
      (cause) => new SourceFailure('HTTP_PROXY or HTTPS_PROXY is not a proxy address', { cause }),
    );
  }

  /** The host of the hub, for people. */
  get host(): string {
    return this.#endpoint.host;
  }

  /**
   * Asks for the digest and size of the file. Redirects off the hub are not followed: the hub's own
   * answer carries the digest.
   * @throws SourceFailure, PilotfishError `aborted`
   */
  async lookUp(file: HubFile): Promise<Content> {
    const deadline = AbortSignal.timeout(this.#context.limits.hubLookupTimeoutMs);
    let url = this.#urlOf(file);
    for (let hop = 0; hop <= this.#context.limits.redirectCountMax; hop += 1) {
      const response = await this.#send('HEAD', url, {}, deadline);
      await discard(response);
      const next = redirectOf(response, url);
      // A renamed repository redirects within the hub; only then is the final answer still to come.
      const isElsewhere = next === null || next.origin !== this.#endpoint.origin;
      if (header(response, 'x-linked-etag') !== null || isElsewhere) {
        if (next === null) this.#checkStatus(response);
        return contentOf(response, next === null);
      }
      url = next;
    }
    throw new SourceFailure(`${this.host} redirects without end`);
  }

  /**
   * The bytes of the file from `offset` on, if the server supports it (status 206); otherwise from
   * 0 (status 200). The caller reads or destroys the body.
   * @throws SourceFailure, PilotfishError `aborted`
   */
  async download(file: HubFile, offset: number): Promise<Response> {
    const range = offset > 0 ? { range: `bytes=${offset}-` } : {};
    let url = this.#urlOf(file);
    for (let hop = 0; hop <= this.#context.limits.redirectCountMax; hop += 1) {
      const response = await this.#send('GET', url, range);
      const next = redirectOf(response, url);
      if (next === null) {
        if (response.statusCode !== 200 && response.statusCode !== 206) {
          await discard(response);
          this.#checkStatus(response);
        }
        return response;
      }
      await discard(response);
      url = next;
    }
    throw new SourceFailure(`${this.host} redirects without end`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  /** The failure of this source for a request or a body that broke off. */
  failureOf(error: unknown, isRetryable: boolean): unknown {
    const { signal } = this.#context;
    if (signal?.aborted === true) return abortError(signal);
    if (error instanceof SourceFailure) return error;
    return new SourceFailure(`${this.host}: ${connectionReason(error)}`, {
      isRetryable,
      cause: error,
    });
  }

  #urlOf({ owner, repo, revision, file }: HubFile): URL {
    const path = [owner, repo, 'resolve', revision, ...file.split('/')];
    const base = this.#endpoint.href.replace(/\/+$/, '');
    return new URL(`${base}/${path.map(encodeURIComponent).join('/')}`);
  }

  async #send(
    method: 'GET' | 'HEAD',
    url: URL,
    headers: Readonly<Record<string, string>>,
    deadline?: AbortSignal,
  ): Promise<Response> {
    const token = this.#context.env['HF_TOKEN'] ?? '';
    // The same scheme, host and port: a redirect to plain http must not get the token either.
    const isHub = url.origin === this.#endpoint.origin;
    const authorization = isHub && token !== '' ? { authorization: `Bearer ${token}` } : {};
    const signals = [this.#context.signal, deadline].filter((s) => s !== undefined);
    try {
      return await request(url, {
        method,
        dispatcher: this.#dispatcher,
        headers: { ...FIXED_HEADERS, ...headers, ...authorization },
        signal: AbortSignal.any(signals),
      });
    } catch (error) {
      // A lookup that cannot connect is not retried: another source may answer at once.
      throw this.failureOf(error, method === 'GET');
    }
  }

  /** @throws SourceFailure unless the request succeeded */
  #checkStatus({ statusCode }: Response): void {
    if (statusCode < 300) return;
    throw new SourceFailure(`${this.host}: HTTP ${statusCode}${statusHint(statusCode)}`, {
      isRetryable: RETRYABLE_STATUS.includes(statusCode),
    });
  }
}

function endpointOf(env: Environment): URL {
  const text = env['HF_ENDPOINT'] ?? '';
  try {
    const url = new URL(text === '' ? DEFAULT_ENDPOINT : text);
    if (url.protocol === 'https:' || url.protocol === 'http:') return url;
  } catch {
    // The text is no address at all: it fails in the same way as a wrong scheme.
  }
  throw new SourceFailure('HF_ENDPOINT is not an http or https address');
}

/** Reads and ignores a body, even if it breaks off. */
async function discard({ body }: Response): Promise<void> {
  await body.dump({ limit: DISCARDED_BYTES_MAX }).catch(() => undefined);
}

function header({ headers }: Response, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function redirectOf(response: Response, from: URL): URL | null {
  if (!REDIRECTS.includes(response.statusCode)) return null;
  const location = header(response, 'location');
  if (location === null || !URL.canParse(location, from.href)) {
    throw new SourceFailure(`${from.host} redirects to nowhere`);
  }
  const url = new URL(location, from);
  if (from.protocol === 'https:' && url.protocol !== 'https:') {
    throw new SourceFailure(`${from.host} redirects to an unencrypted address`);
  }
  return url;
}

/**
 * @throws SourceFailure unless the answer names a sha256 and a size: every file must be verified
 */
function contentOf(response: Response, isFinal: boolean): Content {
  const own = (name: string): string | null => (isFinal ? header(response, name) : null);
  const etag = header(response, 'x-linked-etag') ?? own('etag');
  const size = header(response, 'x-linked-size') ?? own('content-length');
  const sha256 = (etag ?? '').replace(/^W\//, '').replaceAll('"', '').toLowerCase();
  const bytes = Number(size ?? 'none');
  if (!isSha256(sha256)) throw new SourceFailure('the hub gave no sha256 for this file');
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new SourceFailure('the hub gave no size for this file');
  }
  return { sha256, bytes };
}

function statusHint(statusCode: number): string {
  if (statusCode === 401 || statusCode === 403) {
    return ' (missing, private or gated: accept its terms on the hub and set HF_TOKEN)';
  }
  return statusCode === 404 ? ' (no such file)' : '';
}
