/** A hub on a network: WebSockets for devices, and two pages over HTTP for those who run it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { PilotfishError } from '../core/errors.ts';
import { AccessKeys } from '../http/access-keys.ts';
import { isOfThisMachine } from '../http/listening-host.ts';
import { HUB_FACTS_HEADER, writeHubFacts } from '../link/hub-facts.ts';
import { FRAME_BYTE_COUNT_MAX } from '../link/limits.ts';
import { webSocketTransport } from '../link/web-socket-transport.ts';
import type { Hub } from './hub.ts';
import { hubMetrics } from './hub-metrics.ts';
import { serveConnection } from './serve-connection.ts';

export interface HubServerOptions {
  readonly hub: Hub;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The keys that admit devices; none: all are admitted, and only this machine can connect. */
  readonly keys: readonly string[];
  /** Certificate and private key in PEM. Default: no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly deviceCountMax: number;
  /** Between pings; default: that of every WebSocket here. */
  readonly pingMs?: number | undefined;
  readonly onFailure: (error: unknown) => void;
}

export interface HubServer extends AsyncDisposable {
  readonly url: string;
  /**
   * Takes no more devices, tells those that are here, and lets their requests end, but for no longer
   * than this. Then all connections are closed; devices resume elsewhere.
   */
  drain(limitMs: number): Promise<void>;
}

/** Between looks whether all requests have ended. */
const LOOK_MS = 50;
/** How long a device may take to agree to the end. */
const GOODBYE_MS = 1_000;
/** Connections for HTTP beside those of devices. */
const PAGE_CONNECTION_COUNT = 16;
const HTTP_MS = 10_000;
/** WebSocket's code for an end that goes away. */
const GOING_AWAY = 1001;

/**
 * @throws PilotfishError `option-invalid` for a host that others can reach and no key, or a bad
 *   certificate; `hub-unreachable` if the port cannot be had
 */
export async function startHubServer(options: HubServerOptions): Promise<HubServer> {
  checkHost(options);
  const { hub, host, port, tls, deviceCountMax, pingMs, onFailure } = options;
  const keys = new AccessKeys(options.keys);
  const metrics = hubMetrics(hub);
  const server = created(tls, (request, response) => {
    answerPage(request, response, { hub, keys, metrics }).catch(onFailure);
  });
  server.maxConnections = deviceCountMax + PAGE_CONNECTION_COUNT;
  server.headersTimeout = HTTP_MS;
  server.requestTimeout = HTTP_MS;
  const sockets = new WebSocketServer({
    ...{ noServer: true, perMessageDeflate: false, maxPayload: FRAME_BYTE_COUNT_MAX },
  });
  const facts = `${HUB_FACTS_HEADER}: ${writeHubFacts(hub.facts)}`;
  sockets.on('headers', (headers) => headers.push(facts));
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => undefined);
    const owner = keys.ownerOf(request.headers.authorization);
    if (owner === null) return refuse(stream, '401 Unauthorized');
    if (request.url !== '/') return refuse(stream, '404 Not Found');
    const isFull = sockets.clients.size >= deviceCountMax;
    if (isFull || hub.status.isDraining) return refuse(stream, '503 Service Unavailable');
    sockets.handleUpgrade(request, stream, head, (socket) => {
      serveConnection(hub, webSocketTransport(socket, { pingMs }), owner).catch(onFailure);
    });
  });
  await listening(server, host, port);
  server.on('error', onFailure);
  const close = async (): Promise<void> => {
    server.close();
    for (const socket of sockets.clients) socket.close(GOING_AWAY, 'the hub closes');
    for (let waitedMs = 0; sockets.clients.size > 0 && waitedMs < GOODBYE_MS; waitedMs += LOOK_MS) {
      await sleep(LOOK_MS);
    }
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
  };
  return {
    url: urlOf(server, options),
    drain: async (limitMs) => {
      hub.drain();
      for (let waitedMs = 0; !hub.isQuiet && waitedMs < limitMs; waitedMs += LOOK_MS) {
        await sleep(LOOK_MS);
      }
      await close();
    },
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Refuses an address that others can reach without a key.
 * @throws PilotfishError `option-invalid`
 */
export function checkHost({ host, keys }: Pick<HubServerOptions, 'host' | 'keys'>): void {
  if (isOfThisMachine(host) || keys.length > 0) return;
  throw new PilotfishError(
    'option-invalid',
    `--host is ${host}, which others can reach, without a key.`,
    {
      remedy: 'Give a key with --key-file or in PILOTFISH_HUB_KEY.',
      fields: { option: '--host', value: host },
    },
  );
}

function created(
  tls: HubServerOptions['tls'],
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === undefined) return createServer(onRequest);
  try {
    return createTlsServer(tls, onRequest);
  } catch (cause) {
    throw new PilotfishError('option-invalid', 'The certificate and its key do not fit together.', {
      remedy: 'Give --tls-cert and --tls-key as the PEM files of one certificate.',
      fields: { option: '--tls-cert' },
      cause,
    });
  }
}

async function listening(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new PilotfishError(
          'hub-unreachable',
          `No hub can listen at ${host}:${port} (${cause.code}).`,
          {
            remedy: 'Give another --host or --port.',
            fields: { host, port },
            cause,
          },
        ),
      );
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function urlOf(server: Server, { host, tls }: HubServerOptions): string {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const shown = isIP(host) === 6 ? `[${host}]` : host;
  return `${tls === undefined ? 'ws' : 'wss'}://${shown}:${port}`;
}

function refuse(stream: Duplex, status: string): void {
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

interface Pages {
  readonly hub: Hub;
  readonly keys: AccessKeys;
  readonly metrics: ReturnType<typeof hubMetrics>;
}

/** `/health` is for load balancers, which have no key. Neither page has texts or keys. */
async function answerPage(
  { url, method, headers }: IncomingMessage,
  response: ServerResponse,
  { hub, keys, metrics }: Pages,
): Promise<void> {
  const answer = (status: number, type: string, text: string): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
  };
  if (method !== 'GET') answer(405, 'text/plain', 'only GET\n');
  else if (url === '/health') {
    const { isDraining, connectionCount, requestCount, busyCount } = hub.status;
    const status = isDraining ? 'draining' : 'ok';
    const health = { status, model: hub.facts.name, connectionCount, requestCount, busyCount };
    answer(isDraining ? 503 : 200, 'application/json', `${JSON.stringify(health)}\n`);
  } else if (url !== '/metrics') answer(404, 'text/plain', 'no such page\n');
  else if (keys.ownerOf(headers.authorization) === null) answer(401, 'text/plain', 'a key\n');
  else answer(200, metrics.contentType, await metrics.text());
}
