/**
 * HTTP calls to one server: JSON in, JSON or a stream of events out. It knows nothing of models.
 * Invariant: the key goes to the host of the address and to no other (redirects are not followed), and
 * is in no message.
 */
import { createParser } from 'eventsource-parser';
import { type Dispatcher, request } from 'undici';
import { ZodError } from 'zod';
import { abortError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import { connectionReason, isUnsent } from '../http/connection-reason.ts';
import { dispatcherOf, type Environment } from '../http/dispatcher.ts';
import { httpFailure, withoutKey } from './http-failure.ts';
import { isOnThisMachine } from './server-address.ts';
import { ServerFailure } from './server-failure.ts';
import { SERVER_LIMITS, type ServerLimits } from './server-limits.ts';

export interface ServerCall {
  readonly method?: 'GET' | 'POST';
  /** Begins with a slash; it stands behind the base of the address. */
  readonly path: string;
  readonly body?: unknown;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Bytes of bodies, which a call adds to whether it is answered or fails. */
  bytesUp?: number;
  bytesDown?: number;
}

export interface ServerClientOptions {
  /** As in `ServerAddress`. */
  readonly base: string;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly env?: Environment | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
}

/** The beginning of the body of a failed call that is read for the server's words. */
const FAILED_BYTES_MAX = 16 * 1024;
/** The last event of OpenAI-style streams. */
const DONE = '[DONE]';

type Response = Dispatcher.ResponseData;

export class ServerClient implements AsyncDisposable {
  readonly host: string;
  readonly limits: ServerLimits;
  readonly #base: string;
  readonly #key: string | null;
  readonly #dispatcher: Dispatcher;

  constructor({ base, key, ca, env = process.env, limits }: ServerClientOptions) {
    this.#base = base;
    this.host = new URL(base).host;
    this.#key = key ?? null;
    this.limits = { ...SERVER_LIMITS, ...limits };
    // Nothing on the way to this machine may read the key.
    const proxied = isOnThisMachine(base) ? {} : env;
    this.#dispatcher = dispatcherOf(proxied, { ...this.limits, ca }, (cause) => {
      const message = 'HTTP_PROXY or HTTPS_PROXY is not the address of a proxy.';
      const remedy = 'Correct the variable, or unset it.';
      return new ServerFailure(this.host, message, { code: 'server-unreachable', remedy, cause });
    });
  }

  /**
   * The JSON of an answer.
   * @throws ServerFailure, PilotfishError `aborted`
   */
  async send(call: ServerCall, options: CallOptions): Promise<unknown> {
    const response = await this.#open(call, options);
    const text = await this.#textOf(response, this.limits.answerByteCountMax, options);
    if (text === '') return null;
    const value = parseJson(text);
    if (value !== undefined) return value;
    const what = contentType(response)?.includes('html') === true ? 'a web page' : 'no JSON';
    throw this.invalid(`answers ${call.path} with ${what}`);
  }

  /**
   * The JSON of each event of a stream. Not every engine marks the last one: the reader must know it.
   * @throws ServerFailure, PilotfishError `aborted`
   */
  async *events(call: ServerCall, options: CallOptions): AsyncGenerator<unknown, void> {
    const response = await this.#open(call, options);
    const { body } = response;
    const decoder = new TextDecoder();
    const events: string[] = [];
    const parser = createParser({ onEvent: ({ data }) => events.push(data) });
    let pendingBytes = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        count(options, 'bytesDown', chunk.byteLength);
        parser.feed(decoder.decode(chunk, { stream: true }));
        pendingBytes = events.length > 0 ? 0 : pendingBytes + chunk.byteLength;
        if (pendingBytes > this.limits.eventByteCountMax) {
          throw this.invalid(`sends an event longer than ${this.limits.eventByteCountMax} bytes`);
        }
        for (const data of events.splice(0)) {
          if (data === DONE) return;
          yield this.#eventOf(data, call);
        }
      }
    } catch (error) {
      throw this.#failureOf(error, options.signal);
    } finally {
      // Leaving the loop early cancels the stream, which the server sees.
      body.destroy();
    }
  }

  /** An answer that has another form than it must. */
  invalid(what: string): ServerFailure {
    return new ServerFailure(this.host, `The server at ${this.host} ${what}.`, {
      code: 'server-invalid',
      remedy: 'Check that the address is that of the named engine, and of a version that is known.',
      isRetryable: true,
    });
  }

  /** What a reader makes of an answer. @throws ServerFailure if it has another form */
  read<T>(what: string, reader: () => T): T {
    try {
      return reader();
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      const [issue] = error.issues;
      const where = issue?.path.join('.') || 'answer';
      throw this.invalid(`sends ${what} in another form (${where}: ${issue?.message})`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #open(call: ServerCall, options: CallOptions): Promise<Response> {
    const { path, body, method = body === undefined ? 'GET' : 'POST' } = call;
    const json = body === undefined ? null : JSON.stringify(body);
    count(options, 'bytesUp', json === null ? 0 : Buffer.byteLength(json));
    let response: Response;
    try {
      response = await request(`${this.#base}${path}`, {
        ...{ method, dispatcher: this.#dispatcher, signal: options.signal, body: json },
        headers: {
          ...{ 'user-agent': 'pilotfish', 'accept-encoding': 'identity' },
          ...(json === null ? {} : { 'content-type': 'application/json' }),
          ...(this.#key === null ? {} : { authorization: `Bearer ${this.#key}` }),
        },
      });
    } catch (error) {
      throw this.#failureOf(error, options.signal);
    }
    if (response.statusCode < 300) return response;
    const text = await this.#textOf(response, FAILED_BYTES_MAX, options, true);
    throw httpFailure({
      ...{ host: this.host, status: response.statusCode, text, key: this.#key },
      contentType: contentType(response),
      retryAfter: header(response, 'retry-after'),
      location: header(response, 'location'),
    });
  }

  /** @param isCut whether a longer body is cut, and one that breaks off is taken as it is */
  async #textOf(
    { body }: Response,
    byteCountMax: number,
    options: CallOptions,
    isCut = false,
  ): Promise<string> {
    const { signal } = options;
    const chunks: Buffer[] = [];
    let byteCount = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        count(options, 'bytesDown', chunk.byteLength);
        byteCount += chunk.byteLength;
        chunks.push(chunk);
        if (byteCount <= byteCountMax) continue;
        if (isCut) break;
        throw this.invalid(`sends an answer longer than ${byteCountMax} bytes`);
      }
    } catch (error) {
      if (!isCut || signal.aborted) throw this.#failureOf(error, signal);
    } finally {
      body.destroy();
    }
    return Buffer.concat(chunks).subarray(0, byteCountMax).toString('utf8');
  }

  /** An error inside a stream comes as an event. */
  #eventOf(data: string, { path }: ServerCall): unknown {
    const value = parseJson(data);
    if (typeof value !== 'object' || value === null) {
      throw this.invalid(`sends an event of ${path} that is no JSON`);
    }
    if (!('error' in value) || value.error === null || value.error === undefined) return value;
    const said = withoutKey(JSON.stringify(value.error), this.#key).slice(0, FAILED_BYTES_MAX);
    throw this.#broken(`it reports an error in the middle of an answer: ${said}`, undefined);
  }

  #failureOf(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return abortError(signal);
    if (error instanceof ServerFailure) return error;
    return this.#broken(withoutKey(connectionReason(error), this.#key), error, isUnsent(error));
  }

  #broken(why: string, cause: unknown, isUnsent = false): ServerFailure {
    return new ServerFailure(this.host, `The server at ${this.host} does not answer: ${why}.`, {
      code: 'server-unreachable',
      remedy:
        'Check that it runs, that the address is right, and that the network lets you through.',
      isRetryable: true,
      isUnsent,
      cause,
    });
  }
}

function count(options: CallOptions, name: 'bytesUp' | 'bytesDown', bytes: number): void {
  options[name] = (options[name] ?? 0) + bytes;
}

function contentType(response: Response): string | null {
  return header(response, 'content-type');
}

function header({ headers }: Response, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
