/** Connects a device to a hub by WebSocket. The key travels in the header of the HTTP upgrade. */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { abortError, PilotfishError } from '../core/errors.ts';
import { HUB_FACTS_HEADER, readHubFacts } from '../link/hub-facts.ts';
import { FRAME_BYTE_COUNT_MAX } from '../link/limits.ts';
import { webSocketTransport } from '../link/web-socket-transport.ts';
import type { ConnectToHub, HubEntrance } from './hub-model.ts';

export interface HubAddress {
  /** `ws://HOST:PORT` or `wss://HOST:PORT`. */
  readonly url: string;
  /** The key that the hub asks for. */
  readonly key?: string | undefined;
  /** The certificate to trust, in PEM; default: those that this system trusts. */
  readonly ca?: string | undefined;
  readonly connectMs: number;
  /** Between pings; default: that of every WebSocket here. */
  readonly pingMs?: number | undefined;
}

/** @throws PilotfishError `option-invalid` for another kind of address */
export function webSocketConnector(address: HubAddress): ConnectToHub {
  const url = checkedUrl(address.url);
  return (signal) => connect(url, address, signal);
}

function connect(url: URL, address: HubAddress, signal: AbortSignal): Promise<HubEntrance> {
  const { key, ca, connectMs, pingMs } = address;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: FRAME_BYTE_COUNT_MAX,
      handshakeTimeout: connectMs,
      followRedirects: false,
      ...(ca === undefined ? {} : { ca }),
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });
    const transport = webSocketTransport(socket, { pingMs });
    let response: IncomingMessage | null = null;
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', abort);
      reject(error);
      socket.terminate();
    };
    const abort = (): void => fail(abortError(signal));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    socket.on('upgrade', (message) => {
      response = message;
    });
    socket.on('unexpected-response', (_request, { statusCode = 0 }) => {
      fail(refused(url, statusCode, key !== undefined));
    });
    socket.on('error', (cause) => fail(unreachable(url, cause)));
    socket.on('close', () => fail(unreachable(url, null)));
    socket.on('open', () => {
      signal.removeEventListener('abort', abort);
      try {
        const header = response?.headers[HUB_FACTS_HEADER];
        resolve({ transport, facts: readHubFacts(header?.toString()) });
      } catch (error) {
        fail(error);
      }
    });
  });
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isKnown = url?.protocol === 'ws:' || url?.protocol === 'wss:';
  // A key in an address would be shown wherever the address is.
  if (url !== null && isKnown && url.username === '' && url.password === '') return url;
  const shown = url === null ? `"${text}"` : `"${url.protocol}//${url.host}"`;
  throw new PilotfishError('option-invalid', `The address of the hub is ${shown}.`, {
    remedy: 'Give the address as ws://HOST:PORT or wss://HOST:PORT, without a user or password.',
    fields: { option: '--hub', value: shown },
  });
}

/** What the HTTP status of a hub means. */
function refused(url: URL, status: number, hadKey: boolean): PilotfishError {
  const fields = { host: url.host, status };
  if (status === 401) {
    const wanted = hadKey ? 'another key' : 'a key';
    return new PilotfishError('hub-refused', `The hub at ${url.host} asks for ${wanted}.`, {
      remedy: 'Give its key with --hub-key-file or in PILOTFISH_HUB_KEY.',
      fields,
    });
  }
  if (status === 503) {
    return new PilotfishError('engine-busy', `The hub at ${url.host} takes no more devices now.`, {
      remedy: 'Try again later.',
      fields,
    });
  }
  return new PilotfishError(
    'hub-refused',
    `The server at ${url.host} is no hub: it answers with the HTTP status ${status}.`,
    { remedy: 'Check the address: it must be that of `pilotfish hub`.', fields },
  );
}

function unreachable(url: URL, cause: Error | null): PilotfishError {
  const why = cause === null ? '' : ` (${cause.message})`;
  return new PilotfishError('hub-unreachable', `There is no connection to ${url.host}${why}.`, {
    remedy: 'Check that `pilotfish hub` runs there, and that the network lets you through.',
    fields: { host: url.host },
    cause,
  });
}
