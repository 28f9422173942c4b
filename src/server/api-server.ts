/** An HTTP server with the OpenAI API, whose models are strategies. */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { PilotfishError } from '../core/errors.ts';
import { isOfThisMachine } from '../http/listening-host.ts';
import { type AdmissionOptions, admission } from './admission.ts';
import { ServerMetrics } from './metrics.ts';
import { RequestError, refusalOf } from './refusal.ts';
import { chatRoute } from './routes/chat.ts';
import { completionRoute } from './routes/completions.ts';
import { modelRoutes } from './routes/models.ts';
import { pageRoutes } from './routes/pages.ts';
import { tokenRoutes } from './routes/tokens.ts';
import type { ServedPair } from './served-pairs.ts';
import type { Serving } from './serving.ts';

export interface ApiServerOptions extends AdmissionOptions {
  readonly pairs: readonly ServedPair[];
  /** Told of failures that no client caused. */
  readonly onFailure: (error: unknown) => void;
}

export interface ApiServer extends AsyncDisposable {
  /** For tests, and for `listen`. */
  readonly app: FastifyInstance;
  /** @returns `http://HOST:PORT` @throws PilotfishError `option-invalid` if the port cannot be had */
  listen(host: string, port: number): Promise<string>;
  /** Takes no more requests, and lets those that run end, but for no longer than this. */
  drain(limitMs: number): Promise<void>;
}

const BODY_BYTE_COUNT_MAX = 16 * 2 ** 20;
const CONNECTION_COUNT_MAX = 1024;
/** For the headers and the body of a request; answers take as long as they take. */
const REQUEST_MS = 60_000;
/** Between looks whether all requests have ended. */
const LOOK_MS = 50;

export function apiServer({ pairs, onFailure, ...who }: ApiServerOptions): ApiServer {
  const serving: Serving = { pairs, metrics: new ServerMetrics(pairs), isDraining: false };
  const app = Fastify({ bodyLimit: BODY_BYTE_COUNT_MAX, requestTimeout: REQUEST_MS });
  app.server.maxConnections = CONNECTION_COUNT_MAX;
  admission(app, who);
  failures(app, onFailure);
  app.addHook('onRequest', async ({ url }) => {
    if (serving.isDraining && url.startsWith('/v1/')) throw draining();
  });
  app.addHook('onResponse', async (request, reply) => {
    serving.metrics.request(request.routeOptions.url ?? 'unknown', reply.statusCode);
  });
  chatRoute(app, serving);
  completionRoute(app, serving);
  modelRoutes(app, serving);
  tokenRoutes(app, serving);
  app.post('/v1/embeddings', () => {
    const message = 'No model of this server gives embeddings.';
    throw new RequestError(400, message, { code: 'unsupported_endpoint' });
  });
  pageRoutes(app, serving);
  const isQuiet = (): boolean =>
    pairs.every(({ engine: { load } }) => load.runningCount + load.waitingCount === 0);
  return {
    app,
    listen: (host, port) => listening(app, host, port),
    drain: async (limitMs) => {
      serving.isDraining = true;
      for (let waitedMs = 0; !isQuiet() && waitedMs < limitMs; waitedMs += LOOK_MS) {
        await sleep(LOOK_MS);
      }
      await closed(app);
    },
    [Symbol.asyncDispose]: () => closed(app),
  };
}

/** What a client is told of a failure. */
function failures(app: FastifyInstance, onFailure: (error: unknown) => void): void {
  app.setErrorHandler((error, _, reply) => {
    const { status, body, retryAfter } = refusalOf(asRequestError(error));
    if (status === 500) onFailure(error);
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `There is no ${request.method} ${request.url.split('?')[0]}.`;
    return reply.code(404).send(new RequestError(404, message, { code: 'not_found' }).refusal.body);
  });
}

/** Failures of the framework: a body that is no JSON, or too large. */
function asRequestError(error: unknown): unknown {
  if (error instanceof RequestError || PilotfishError.isInstance(error)) return error;
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode === undefined || statusCode >= 500) return error;
  const said = message ?? 'The request is not valid.';
  return new RequestError(statusCode, said, { code: 'invalid_request' });
}

function draining(): RequestError {
  return new RequestError(503, 'This server is about to end.', { code: 'shutting_down' });
}

async function listening(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    const message = `No server can listen at ${host}:${port} (${code}).`;
    throw new PilotfishError('option-invalid', message, {
      remedy: 'Give another --host or --port.',
      fields: { option: '--port', value: port },
      cause,
    });
  }
  const { port: taken } = app.server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${taken}`;
}

async function closed(app: FastifyInstance): Promise<void> {
  app.server.closeAllConnections();
  await app.close();
}

/**
 * Refuses an address that others can reach without a key.
 * @throws PilotfishError `option-invalid`
 */
export function checkListening(host: string, keys: readonly string[]): void {
  if (isOfThisMachine(host) || keys.length > 0) return;
  const message = `--host is ${host}, which others can reach, without a key.`;
  throw new PilotfishError('option-invalid', message, {
    remedy: 'Give a key with --key-file or in PILOTFISH_API_KEY.',
    fields: { option: '--host', value: host },
  });
}
