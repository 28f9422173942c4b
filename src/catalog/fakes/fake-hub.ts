/**
 * A hub on the loopback interface for tests. One server answers for files and redirects; a second
 * one, of another origin as with the real hub, serves the bytes. It records every request, and can
 * be told to misbehave per file.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface FakeFile {
  readonly bytes: Buffer;
  /** The digest that the hub claims; default: the true one. */
  readonly sha256?: string;
  /** Status codes of the hub itself instead of 302, in order. */
  readonly hubStatuses?: number[];
  /** Per download, the byte count of the body after which the connection is cut. */
  readonly cuts?: number[];
  /** Per download, the byte count after which the server goes silent. */
  readonly stalls?: number[];
  /** Awaited before the body is sent. */
  readonly held?: Promise<void>;
  readonly ignoresRange?: boolean;
  /** Sends from that many bytes before the requested offset, and says so. */
  readonly rangeShift?: number;
  readonly hasNoDigest?: boolean;
}

interface SeenRequest {
  readonly host: 'hub' | 'store';
  readonly method: string;
  readonly path: string;
  readonly range: string | null;
  readonly authorization: string | null;
}

export interface FakeHub extends AsyncDisposable {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** Keyed by `owner/repo/resolve/revision/file`. */
  readonly files: Map<string, FakeFile>;
}

export async function startFakeHub(): Promise<FakeHub> {
  const requests: SeenRequest[] = [];
  const files = new Map<string, FakeFile>();
  const note = (host: SeenRequest['host'], request: IncomingMessage): FakeFile | null => {
    const path = decodeURIComponent((request.url ?? '').slice(1));
    const { range = null, authorization = null } = request.headers;
    requests.push({ host, method: request.method ?? '', path, range, authorization });
    return files.get(path) ?? null;
  };
  const store = await listen((request, response) => {
    const file = note('store', request);
    if (file === null) response.writeHead(404).end();
    else void sendBytes(file, request, response);
  });
  const hub = await listen((request, response) => {
    const file = note('hub', request);
    const status = file === null ? 404 : (file.hubStatuses?.shift() ?? 302);
    if (file === null || status !== 302) {
      response.writeHead(status).end();
      return;
    }
    const digest = file.sha256 ?? createHash('sha256').update(file.bytes).digest('hex');
    const linked = { 'x-linked-etag': `"${digest}"`, 'x-linked-size': file.bytes.byteLength };
    response.writeHead(302, {
      location: `${store.url}${request.url}`,
      ...(file.hasNoDigest === true ? {} : linked),
    });
    response.end();
  });
  return {
    url: hub.url,
    requests,
    files,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([hub.close(), store.close()]);
    },
  };
}

async function sendBytes(
  file: FakeFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { bytes } = file;
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const start = file.ignoresRange === true ? 0 : Number(asked ?? 0) - (file.rangeShift ?? 0);
  const isRange = asked !== undefined && file.ignoresRange !== true;
  await file.held;
  response.writeHead(isRange ? 206 : 200, {
    'content-length': bytes.byteLength - start,
    ...(isRange
      ? { 'content-range': `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}` }
      : {}),
  });
  sendBody(file, bytes.subarray(start), response);
}

function sendBody(file: FakeFile, body: Buffer, response: ServerResponse): void {
  const cut = file.cuts?.shift();
  const stall = file.stalls?.shift();
  if (cut !== undefined) response.write(body.subarray(0, cut), () => response.destroy());
  else if (stall !== undefined) response.write(body.subarray(0, stall));
  else response.end(body);
}

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server: Server = createServer(answer);
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise<void>((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
