/** A hub and devices over real sockets of this machine. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { webSocketConnector } from '../../src/device/connect-web-socket.ts';
import { HubModel } from '../../src/device/hub-model.ts';
import type { LinkPolicy } from '../../src/device/link-policy.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Hub, type HubOptions } from '../../src/hub/hub.ts';
import { type HubServer, type HubServerOptions, startHubServer } from '../../src/hub/hub-server.ts';
import { FRAME_BYTE_COUNT_MAX } from '../../src/link/limits.ts';
import { runs } from '../runs.ts';
import { byteProxy } from './byte-proxy.ts';
import {
  DIGEST,
  eventsOf,
  idsOf,
  inOneProcess,
  large,
  QUICK,
  small,
  summaryOf,
} from './hub-world.ts';

const NO_PINGS = 0;

interface Served extends AsyncDisposable {
  readonly hub: Hub;
  readonly server: HubServer;
  readonly port: number;
}

async function serve(
  options: Partial<HubServerOptions> = {},
  hubOptions: Partial<HubOptions> = {},
): Promise<Served> {
  const hub = new Hub({ model: large(), digest: DIGEST, ...hubOptions });
  const server = await startHubServer({
    ...{ hub, host: '127.0.0.1', port: 0, keys: [], deviceCountMax: 8, pingMs: NO_PINGS },
    onFailure: (error) => expect.fail(String(error)),
    ...options,
  });
  return {
    ...{ hub, server, port: Number(new URL(server.url).port) },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
}

interface Connecting {
  readonly key?: string;
  readonly ca?: string;
  readonly policy?: LinkPolicy;
}

async function device(url: string, { key, ca, policy = QUICK }: Connecting = {}): Promise<Engine> {
  const connector = webSocketConnector({ url, key, ca, connectMs: 5000, pingMs: NO_PINGS });
  const { transport, facts } = await connector(new AbortController().signal);
  const model = small();
  const options = { connect: connector, vocabulary: model.vocabulary, policy };
  return new Engine({ models: { small: model, large: new HubModel(options, facts, transport) } });
}

const REQUEST = { strategy: 'uhlm@0.3', sampling: { temperature: 1 }, seed: 2 } as const;

/** A WebSocket frame's header (RFC 6455, section 5.2); devices mask theirs. */
function headerSize(payload: number, isMasked: boolean): number {
  const length = payload < 126 ? 2 : payload < 65_536 ? 4 : 10;
  return length + (isMasked ? 4 : 0);
}

describe('a device over a WebSocket', () => {
  it('writes what one process writes', async () => {
    await using served = await serve();
    await using engine = await device(served.server.url);
    const events = await eventsOf(engine, REQUEST);
    expect(idsOf(events)).toEqual(idsOf(await inOneProcess(REQUEST)));
  });

  it('sends and receives exactly the bytes of its frames, their headers, and the upgrade', async () => {
    await using served = await serve();
    await using proxy = await byteProxy(served.port);
    const sizes: { readonly size: number; readonly isUp: boolean }[] = [];
    const connector = webSocketConnector({ url: proxy.url, connectMs: 5000, pingMs: NO_PINGS });
    const model = small();
    const { transport, facts } = await connector(new AbortController().signal);
    const seen = {
      ...transport,
      send: (frame: Uint8Array) => {
        sizes.push({ size: frame.length, isUp: true });
        transport.send(frame);
      },
      frames: (async function* () {
        for await (const frame of transport.frames) {
          sizes.push({ size: frame.length, isUp: false });
          yield frame;
        }
      })(),
    };
    const options = { connect: connector, vocabulary: model.vocabulary, policy: QUICK };
    await using engine = new Engine({
      models: { small: model, large: new HubModel(options, facts, seen) },
    });
    const { linkBytesUp, linkBytesDown } = summaryOf(await eventsOf(engine, REQUEST));
    const sumOf = (isUp: boolean, more: (size: number) => number): number =>
      sizes.filter((one) => one.isUp === isUp).reduce((sum, { size }) => sum + more(size), 0);
    expect([linkBytesUp, linkBytesDown]).toEqual(
      [true, false].map((isUp) => sumOf(isUp, (n) => n)),
    );
    expect(sizes.length).toBeGreaterThan(10);
    const [connection] = proxy.connections;
    const withHeaders = (isUp: boolean): number => sumOf(isUp, (n) => n + headerSize(n, isUp));
    // The last frame, `close`, has no answer.
    await expect
      .poll(() => (connection?.toHub.bytesWritten ?? 0) - (connection?.upgradeUp ?? 0))
      .toBe(withHeaders(true));
    expect((connection?.toHub.bytesRead ?? 0) - (connection?.upgradeDown ?? 0)).toBe(
      withHeaders(false),
    );
  });

  it.each(['uhlm@0.3', 'large'])(
    'loses no token of %s wherever the bytes are cut',
    async (strategy) => {
      await using served = await serve();
      const request = { ...REQUEST, strategy };
      const expected = idsOf(await inOneProcess(request));
      const anyCuts = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 });
      await fc.assert(
        fc.asyncProperty(anyCuts, async (cuts) => {
          await using proxy = await byteProxy(served.port, cuts);
          await using engine = await device(proxy.url);
          expect(idsOf(await eventsOf(engine, request))).toEqual(expected);
        }),
        { numRuns: runs(5, 100) },
      );
    },
  );

  it('goes on when the hub was restarted at the same address', async () => {
    const first = await serve();
    await using proxy = await byteProxy(first.port);
    await using engine = await device(first.server.url);
    let second: Served | null = null;
    const events = await eventsOf(engine, REQUEST, async (index) => {
      if (index !== 6) return;
      await first[Symbol.asyncDispose]();
      setTimeout(async () => {
        second = await serve({ port: first.port });
      }, 30);
    });
    expect(idsOf(events)).toEqual(idsOf(await inOneProcess(REQUEST)));
    expect(proxy.connections).toHaveLength(0);
    await (second as Served | null)?.[Symbol.asyncDispose]();
  });

  it('is let through by TLS with a certificate that it trusts, and by no other', async () => {
    const file = (name: string): string =>
      readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
    await using served = await serve({ tls: { cert: file('cert'), key: file('key') } });
    expect(served.server.url).toMatch(/^wss:/);
    await using engine = await device(served.server.url, { ca: file('cert') });
    const events = await eventsOf(engine, REQUEST);
    expect(idsOf(events)).toEqual(idsOf(await inOneProcess(REQUEST)));
    await expect(device(served.server.url)).rejects.toMatchObject({ code: 'hub-unreachable' });
  });
});

describe('the key of a hub', () => {
  const KEY = 'correct-horse-battery-staple';

  it('admits a device, and another key or none does not', async () => {
    await using served = await serve({ keys: ['other', KEY] });
    await using engine = await device(served.server.url, { key: KEY });
    expect(idsOf(await eventsOf(engine, REQUEST))).not.toHaveLength(0);
    for (const options of [{}, { key: `${KEY}x` }, { key: 'wrong' }]) {
      const refused = await device(served.server.url, options).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'hub-refused', fields: { status: 401 } });
      const wanted = 'key' in options ? 'asks for another key.' : 'asks for a key.';
      expect(refused).toMatchObject({ message: expect.stringContaining(wanted) });
    }
  });

  it('is in no error', async () => {
    await using served = await serve({ keys: ['another'] });
    const refused = await device(served.server.url, { key: KEY }).catch((error: unknown) => error);
    const gone = await device('ws://127.0.0.1:1', { key: KEY }).catch((error: unknown) => error);
    for (const error of [refused, gone]) {
      expect(error).toBeInstanceOf(Error);
      const { message, stack, cause } = error as Error;
      expect(`${message} ${stack} ${JSON.stringify(error)} ${String(cause)}`).not.toContain(KEY);
    }
  });

  it('is needed where others can connect', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.0.1', 'example.com', '127.evil.example']) {
      await expect(serve({ host })).rejects.toMatchObject({ code: 'option-invalid' });
    }
    await using served = await serve({ host: '0.0.0.0', keys: [KEY] });
    expect(served.port).toBeGreaterThan(0);
  });

  it.each(['http://a', 'ws://user:secret@a', 'a:1', ''])(
    'is not in an address, as in %j',
    (url) => {
      const build = (): unknown => webSocketConnector({ url, connectMs: 1 });
      expect(build).toThrow(expect.objectContaining({ code: 'option-invalid' }));
      expect(build).not.toThrow('secret');
    },
  );
});

describe('the pages of a hub', () => {
  it('tell its state and its counts, and no text', async () => {
    await using served = await serve({ keys: ['k'] });
    const page = (path: string, key?: string): Promise<Response> =>
      fetch(`${served.server.url.replace('ws:', 'http:')}${path}`, {
        headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      });
    await using engine = await device(served.server.url, { key: 'k' });
    await eventsOf(engine, REQUEST);
    expect(await (await page('/health')).json()).toEqual({
      ...{ status: 'ok', model: 'large', connectionCount: 1, requestCount: 0, busyCount: 0 },
    });
    expect((await page('/metrics')).status).toBe(401);
    const metrics = await (await page('/metrics', 'k')).text();
    expect(metrics).toMatch(/^pilotfish_hub_drafts_accepted_total [1-9]/m);
    expect(metrics).toMatch(/^pilotfish_hub_connections 1$/m);
    expect((await page('/other', 'k')).status).toBe(404);
  });
});

describe('a server that is no hub', () => {
  it('is refused by what it answers', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(device(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'hub-refused',
      message: expect.stringContaining('404'),
    });
    server.close();
  });
});

describe('a hub with too many devices, or that closes', () => {
  it('takes no more, and serves those that it has', async () => {
    await using served = await serve({ deviceCountMax: 1 });
    await using engine = await device(served.server.url);
    await expect(device(served.server.url)).rejects.toMatchObject({ code: 'engine-busy' });
    expect(idsOf(await eventsOf(engine, REQUEST))).not.toHaveLength(0);
  });

  it('lets open requests end while it drains, and admits no device', async () => {
    const served = await serve();
    await using engine = await device(served.server.url);
    let draining: Promise<void> | null = null;
    const events = await eventsOf(engine, REQUEST, async (index) => {
      if (index !== 4) return;
      draining = served.server.drain(60_000);
      await expect(device(served.server.url)).rejects.toMatchObject({ code: 'engine-busy' });
    });
    expect(idsOf(events)).toEqual(idsOf(await inOneProcess(REQUEST)));
    await draining;
    await served.hub[Symbol.asyncDispose]();
    await served.hub.checkIdle();
  });

  it('closes at the limit, also where a device keeps its request open', async () => {
    const served = await serve();
    await using engine = await device(served.server.url, {
      policy: { ...QUICK, patienceMs: 50 },
    });
    const running = eventsOf(engine, { ...REQUEST, strategy: 'hlm' }, async (index) => {
      if (index === 2) await served.server.drain(0);
    });
    await expect(running).rejects.toMatchObject({ code: 'hub-unreachable' });
    await served.hub[Symbol.asyncDispose]();
  });
});

describe('a peer that breaks the rules of WebSockets', () => {
  async function raw(served: Served): Promise<WebSocket> {
    const socket = new WebSocket(served.server.url, { perMessageDeflate: false });
    socket.on('error', () => undefined);
    await once(socket, 'open');
    return socket;
  }

  it('is cut off for a frame that is too long, and for text', async () => {
    await using served = await serve();
    for (const [data, code] of [
      [Buffer.alloc(FRAME_BYTE_COUNT_MAX + 1), 1009],
      ['text', 1003],
    ] as const) {
      const socket = await raw(served);
      socket.send(data);
      expect((await once(socket, 'close'))[0]).toBe(code);
    }
    await expect.poll(() => served.hub.status.connectionCount).toBe(0);
  });

  it('is cut off if it answers no ping', async () => {
    await using served = await serve({ pingMs: 20 });
    const silent = connect(served.port, '127.0.0.1');
    silent.write(
      'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    silent.resume();
    silent.on('error', () => undefined);
    await once(silent, 'close');
    await expect.poll(() => served.hub.status.connectionCount).toBe(0);
    await using engine = await device(served.server.url);
    expect(idsOf(await eventsOf(engine, REQUEST))).not.toHaveLength(0);
  });
});
