/** What a user sees of a wrong address, key, model or server: the address, the answer and the remedy. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reachServer, type ServerOptions } from '../../src/app/elsewhere/reach-server.ts';
import { PilotfishError } from '../../src/core/errors.ts';
import { FakeVllm, type FakeVllmOptions } from '../../src/remote/fakes/fake-vllm.ts';
import { LARGE, local } from './remote-world.ts';

const { vocabulary } = local('small');
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-'));
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await rm(home, { recursive: true });
});

async function serve(options: Partial<FakeVllmOptions> = {}): Promise<string> {
  const server = new FakeVllm({ vocabulary, next: LARGE, ...options });
  closing.push(() => server[Symbol.asyncDispose]());
  return (await server.listen()).replace('http://', '');
}

interface Reaching {
  readonly options?: ServerOptions;
  readonly env?: Readonly<Record<string, string>>;
}

async function failure(
  address: string,
  { options, env = {} }: Reaching = {},
): Promise<PilotfishError> {
  try {
    const reached = await reachServer(address, options, { env, home });
    closing.push(() => reached.close());
  } catch (error) {
    if (PilotfishError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('it was reached');
}

const SECRET = 'sk-very-secret';

describe('a server', () => {
  it('that is not there', async () => {
    const host = await serve();
    await closing.pop()?.();
    const error = await failure(`vllm:http://${host}/fake`);
    expect(error.message).toBe(`The server at ${host} does not answer: connection refused.`);
    expect(error).toMatchObject({ code: 'server-unreachable', remedy: /Check that it runs/ });
  });

  it('that asks for a key', async () => {
    const host = await serve({ key: SECRET });
    const error = await failure(`vllm:http://${host}/fake`);
    expect(error.message).toBe(
      `The server at ${host} answers with the HTTP status 401: Unauthorized.`,
    );
    expect(error).toMatchObject({ code: 'server-refused', remedy: /--large-key-env/ });
  });

  it('that takes another key, which is not shown even if the server repeats it', async () => {
    const host = await serve({
      key: 'another',
      onCall: ({ response }) => {
        const message = `Incorrect key ${SECRET} provided`;
        response.writeHead(401).end(JSON.stringify({ error: { message } }));
      },
    });
    const error = await failure(`vllm:http://${host}/fake`, { env: { VLLM_API_KEY: SECRET } });
    expect(error.message).toContain('Incorrect key [key] provided');
    expect(JSON.stringify([error, error.message, error.remedy, error.stack])).not.toContain(SECRET);
    expect(error.remedy).toContain('Check the key');
  });

  it('that has another model', async () => {
    const host = await serve({ name: 'big' });
    const error = await failure(`vllm:http://${host}/bigger`);
    expect(error.message).toBe(`The server at ${host} has no model "bigger". It has big.`);
    expect(error.code).toBe('server-refused');
  });

  it('that is still loading', async () => {
    const host = await serve({
      onCall: ({ response }) => {
        const error = { message: 'Loading model', type: 'unavailable_error', code: 503 };
        response.writeHead(503).end(JSON.stringify({ error }));
      },
    });
    const error = await failure(`llama-server:http://${host}`);
    expect(error.message).toContain('the HTTP status 503: Loading model');
    expect(error.remedy).toContain('Try again later');
  });

  it('that is none: a web page, another API, a redirect', async () => {
    const html = await serve({
      onCall: ({ response }) => void response.writeHead(200).end('<!doctype html><p>Hello'),
    });
    expect((await failure(`vllm:http://${html}`)).message).toContain(
      'answers /v1/models with no JSON',
    );
    const other = await serve({
      onCall: ({ response }) => void response.writeHead(200).end('{"models":[]}'),
    });
    expect((await failure(`vllm:http://${other}`)).message).toContain(
      'sends its models in another form (data',
    );
    const elsewhere = await serve({
      onCall: ({ response }) => {
        response.writeHead(302, { location: 'https://evil.example/v1/models?x=1' }).end();
      },
    });
    const error = await failure(`vllm:http://${elsewhere}`, { env: { VLLM_API_KEY: SECRET } });
    expect(error.message).toBe(`The server at ${elsewhere} redirects to https://evil.example.`);
    expect(error.remedy).toContain('if you trust it');
  });

  it('with a variable that is not set, or a key that all could read', async () => {
    const unset = await failure('vllm:http://127.0.0.1:1/big', { options: { keyEnv: 'NO_KEY' } });
    expect(unset.message).toBe('The variable NO_KEY is not set.');
    const env = { VLLM_API_KEY: SECRET };
    const plain = await failure('vllm:http://gpu.example:8000/big', { env });
    expect(plain.message).toBe(
      'The key in VLLM_API_KEY would travel to gpu.example:8000 without encryption.',
    );
    expect(plain.remedy).toContain('--large-plain-key');
  });

  it('that speaks no TLS, or has a certificate that nobody trusts, or of another host', async () => {
    const plain = await serve();
    expect((await failure(`openai:https://${plain}/v1#fake`)).message).toContain(
      'it speaks no TLS',
    );
    const server = createTlsServer({ cert: pem('cert'), key: pem('key') });
    const port = await listening(server, '127.0.0.2');
    const untrusted = await failure(`vllm:https://127.0.0.2:${port}`);
    expect(untrusted.message).toContain('its certificate is not trusted here');
    const caFile = fileURLToPath(new URL('../fixtures/tls/cert.pem', import.meta.url));
    const other = await failure(`vllm:https://127.0.0.2:${port}`, { options: { caFile } });
    expect(other.message).toContain('its certificate is that of another host');
  });

  it('behind a proxy that wants a password', async () => {
    const proxy = createServer().on('connect', (_request, socket) => {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    const env = { https_proxy: `http://user:${SECRET}@127.0.0.1:${await listening(proxy)}` };
    const refused = await failure('vllm:https://gpu.example/big', { env });
    expect(refused.message).toMatch(/gpu\.example does not answer: the proxy wants a user/);
    expect(JSON.stringify([refused, refused.message])).not.toContain(SECRET);
  });
});

function pem(name: string): string {
  return readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
}

async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((done) => void server.listen(0, host, done));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((done) => void server.close(done));
  });
  return (server.address() as AddressInfo).port;
}

it('a key for this machine passes no proxy', async () => {
  const seen: (string | undefined)[] = [];
  const proxy = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end('{}');
  });
  const host = await serve({ key: SECRET });
  const http_proxy = `http://127.0.0.1:${await listening(proxy)}`;
  const env = { http_proxy, VLLM_API_KEY: SECRET };
  const reached = await reachServer(`vllm:http://${host}/fake`, {}, { env, home });
  await reached.close();
  expect(seen).toEqual([]);
});

it('a key with a line end is taken without it, and refused with other characters', async () => {
  const host = await serve({ key: SECRET });
  const ending = { VLLM_API_KEY: `${SECRET}\n` };
  const reached = await reachServer(`vllm:http://${host}/fake`, {}, { env: ending, home });
  await reached.close();
  const env = { VLLM_API_KEY: `${SECRET}\u00e9` };
  const error = await failure(`vllm:http://${host}/fake`, { env });
  expect(error.message).toContain('characters that a header cannot carry');
  expect(error.message).not.toContain(SECRET);
});

it('keys go to the engine that they are for', async () => {
  const seen: (string | undefined)[] = [];
  const host = await serve({ onCall: ({ authorization }) => void seen.push(authorization) });
  const env = { OPENAI_API_KEY: SECRET, LLAMA_API_KEY: 'llama' };
  const reached = await reachServer(`vllm:http://${host}/fake`, {}, { env, home });
  await reached.close();
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.every((key) => key === undefined)).toBe(true);
});
