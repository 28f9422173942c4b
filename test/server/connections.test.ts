/** Clients that leave, and a server that ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { apiServer, checkListening } from '../../src/server/api-server.ts';
import { type RemoteWorld, remoteWorld } from '../remote/remote-world.ts';

const CHAT = { model: 'large', messages: [{ role: 'user', content: 'abcd' }], temperature: 0 };

interface Listening extends AsyncDisposable {
  readonly url: string;
  readonly remote: RemoteWorld;
  drain(limitMs: number): Promise<void>;
}

/** A large model that takes its time. */
async function listening(): Promise<Listening> {
  const remote = await remoteWorld({ onToken: () => sleep(10) });
  const pair = { name: 'far', strategies: ['large', 'margin'], strategyDefault: 'large' };
  const server = apiServer({
    ...{ pairs: [{ ...pair, engine: remote.engine }], keys: [], hosts: [] },
    onFailure: (error) => {
      throw error;
    },
  });
  return {
    ...{ url: await server.listen('127.0.0.1', 0), remote, drain: server.drain },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await remote[Symbol.asyncDispose]();
    },
  };
}

function post(url: string, body: object, signal?: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const asked = { method: 'POST', headers, body: JSON.stringify(body) };
  return fetch(`${url}/v1/chat/completions`, { ...asked, signal: signal ?? null });
}

it.each([true, false])('a client that leaves ends its answer, streamed: %s', async (stream) => {
  await using world = await listening();
  const { engine, server } = world.remote;
  const leaving = new AbortController();
  const answer = post(world.url, { ...CHAT, stream, max_tokens: 100 }, leaving.signal);
  await expect.poll(() => engine.load.runningCount).toBe(1);
  if (stream) await (await answer).body?.getReader().read();
  else await expect.poll(() => server.counts.callCount).toBe(1);
  leaving.abort();
  await answer.catch(() => undefined);
  await expect.poll(() => engine.load.runningCount).toBe(0);
  await expect.poll(() => server.counts.abortedCount).toBe(1);
  await engine.checkIdle();
});

it('drains: what runs may end, and nothing else begins', async () => {
  await using world = await listening();
  const running = post(world.url, { ...CHAT, max_tokens: 20 });
  await expect.poll(() => world.remote.engine.load.runningCount).toBe(1);
  const drained = world.drain(5_000);
  expect((await post(world.url, CHAT)).status).toBe(503);
  expect((await fetch(`${world.url}/health`)).status).toBe(503);
  const { choices } = (await (await running).json()) as { choices: unknown[] };
  expect(choices).toHaveLength(1);
  await drained;
  await expect(fetch(`${world.url}/health`)).rejects.toThrow();
});

it('a port that is taken, and a host that others reach, are refused', async () => {
  await using world = await listening();
  const { port } = new URL(world.url);
  const other = apiServer({ pairs: [], keys: [], hosts: [], onFailure: () => undefined });
  await expect(other.listen('127.0.0.1', Number(port))).rejects.toThrow(/EADDRINUSE/);
  await other[Symbol.asyncDispose]();
  expect(() => checkListening('0.0.0.0', [])).toThrow(/without a key/);
  checkListening('0.0.0.0', ['key']);
  checkListening('localhost', []);
});
