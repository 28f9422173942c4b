import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { request } from 'undici';
import { afterEach, expect, it } from 'vitest';
import { dispatcherOf } from './dispatcher.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function pem(name: string): string {
  return readFileSync(new URL(`../../test/fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

it.each([
  ['trusts the given certificate of a server behind a proxy', pem('cert'), 'hello'],
  ['trusts no other there', undefined, null],
])('%s', async (_title, ca, expected) => {
  const server = createTlsServer({ cert: pem('cert'), key: pem('key') }, (_request, response) => {
    response.end('hello');
  });
  const port = await listening(server);
  let tunnelCount = 0;
  const proxy = createServer().on('connect', (_request, socket) => {
    tunnelCount += 1;
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const one of [socket, onward]) one.on('error', () => onward.destroy());
  });
  const env = { https_proxy: `http://127.0.0.1:${await listening(proxy)}` };
  const limits = { connectTimeoutMs: 5_000, stallTimeoutMs: 5_000, ca };
  const dispatcher = dispatcherOf(env, limits, (cause) => new Error('no proxy', { cause }));
  closing.push(() => void dispatcher.destroy());
  const asked = request(`https://localhost:${port}/`, { dispatcher });
  if (expected === null) await expect(asked).rejects.toThrow('self-signed certificate');
  else expect(await (await asked).body.text()).toBe(expected);
  expect(tunnelCount).toBe(1);
});
