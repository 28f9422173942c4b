/** What a server was seen to do is not asked again, unless it changes. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reachServer, type ServerOptions } from '../../src/app/elsewhere/reach-server.ts';
import { FakeVllm } from '../../src/remote/fakes/fake-vllm.ts';
import { LARGE, local } from './remote-world.ts';

const { vocabulary } = local('small');
const paths: string[] = [];
const server = new FakeVllm({
  vocabulary,
  next: LARGE,
  onCall: ({ path }) => void paths.push(path),
});
let base: string;
let home: string;
beforeAll(async () => {
  base = await server.listen();
  home = await mkdtemp(join(tmpdir(), 'pilotfish-'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

/** The paths that were asked for. */
async function reached(address: string, options: ServerOptions = {}): Promise<readonly string[]> {
  paths.length = 0;
  const { close, capabilities } = await reachServer(address, options, { env: {}, home });
  await close();
  if (address.startsWith('vllm')) expect(capabilities.reads.topLogprobs).toBe(5);
  return [...paths];
}

const IDENTITY = ['/v1/models', '/version'];

it('asks a server once, and again where that is wanted', async () => {
  const first = await reached(`vllm:${base}/fake`);
  expect(first.slice(0, 3)).toEqual(['/v1/models', '/version', '/v1/completions']);
  expect(await reached(`vllm:${base}/fake`)).toEqual(IDENTITY);
  expect(await reached(`vllm:${base}/fake`, { probesAnew: true })).toEqual(first);
});

it('asks a chat once', async () => {
  expect(await reached(`openai:${base}/v1#fake`)).toEqual(['/v1/chat/completions']);
  expect(await reached(`openai:${base}/v1#fake`)).toEqual([]);
});

it('asks again where what is kept is broken', async () => {
  const folder = join(home, 'servers');
  const files = await readdir(folder);
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  // Nothing says which server it was.
  expect([...files, ...texts].join(' ')).not.toContain('127.0.0.1');
  for (const file of files) await writeFile(join(folder, file), '{');
  expect((await reached(`vllm:${base}/fake`)).length).toBeGreaterThan(IDENTITY.length);
});
