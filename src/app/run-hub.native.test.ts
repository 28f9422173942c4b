import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../core/events.ts';
import type { GenerateRequest } from '../engine/request.ts';
import { writeRandomModel } from '../testing/random-model.ts';
import { type OpenEngineOptions, openEngine } from './open-engine.ts';
import { type RunHubOptions, type RunningHub, runHub } from './run-hub.ts';

let home: string;
let small: string;
let large: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-hub-'));
  [small, large] = [join(home, 'small.gguf'), join(home, 'large.gguf')];
  await writeRandomModel(small, { seed: 1, contextLength: 128 });
  await writeRandomModel(large, { seed: 2, contextLength: 128 });
});
afterEach(() => rm(home, { recursive: true, force: true }));

function hubOf(options: Partial<RunHubOptions> = {}): Promise<RunningHub> {
  const { signal } = new AbortController();
  return runHub({
    ...{ large, port: 0, home, threadCount: 1, contextLength: 128, env: {}, signal, drainMs: 0 },
    ...options,
  });
}

const REQUEST: GenerateRequest = {
  ...{ prompt: 'some text', strategy: 'uhlm@0.2', sampling: { temperature: 1 }, seed: 5 },
  maxTokens: 24,
};

async function answer(options: OpenEngineOptions): Promise<readonly EngineEvent[]> {
  const shared = { small, home, threadCount: 1, contextLength: 128, env: {} };
  await using engine = await openEngine({ ...shared, strategies: ['uhlm'], ...options });
  const events: EngineEvent[] = [];
  for await (const event of engine.generate(REQUEST)) events.push(event);
  return events;
}

const idsOf = (events: readonly EngineEvent[]): readonly number[] =>
  events.flatMap((event) => (event.type === 'token' ? event.tokenId : []));

describe('a hub that is run from the name of a model', () => {
  it('has the large model of an engine that loads the small one alone', async () => {
    await using hub = await hubOf();
    const loaded: string[] = [];
    const events = await answer({
      hub: { url: hub.url },
      onProgress: ({ label }) => loaded.push(label),
    });
    expect(idsOf(events)).toEqual(idsOf(await answer({ large })));
    expect(loaded.some((label) => label.includes('large'))).toBe(false);
    const [start] = events;
    expect(start).toMatchObject({ labels: { small: 'small', large: 'large' } });
    const summary = events.at(-1);
    expect(summary).toMatchObject({ linkBytesUp: expect.any(Number) });
    expect(summary?.type === 'summary' && summary.linkBytesUp).toBeGreaterThan(0);
    expect(summary?.type === 'summary' && summary.weightTrafficRatio).toBeGreaterThan(0);
  });

  it('wants the key that it was given', async () => {
    const keyFile = join(home, 'key');
    await writeFile(keyFile, 'open-sesame\n');
    await using hub = await hubOf({ keyFile });
    expect(hub.isSecret).toBe(true);
    await expect(answer({ hub: { url: hub.url } })).rejects.toMatchObject({ code: 'hub-refused' });
    expect(await answer({ hub: { url: hub.url, keyFile } })).not.toHaveLength(0);
    const env = { PILOTFISH_HUB_KEY: 'open-sesame' };
    expect(await answer({ hub: { url: hub.url }, env })).not.toHaveLength(0);
  });

  it('is not run with half a certificate, without a key for others, or at a port in use', async () => {
    const invalid = { code: 'option-invalid' };
    await expect(hubOf({ tlsCert: small })).rejects.toMatchObject(invalid);
    await expect(hubOf({ tlsCert: small, tlsKey: large })).rejects.toMatchObject(invalid);
    await expect(hubOf({ host: '0.0.0.0' })).rejects.toMatchObject(invalid);
    await using hub = await hubOf();
    const port = Number(new URL(hub.url).port);
    await expect(hubOf({ port })).rejects.toMatchObject({ code: 'hub-unreachable' });
  });

  it('is not the large model beside another', async () => {
    await using hub = await hubOf();
    const opening = answer({ hub: { url: hub.url }, large });
    await expect(opening).rejects.toMatchObject({ code: 'option-invalid' });
  });

  it('does not serve strategies that ask more of the large model, which is said at once', async () => {
    await using hub = await hubOf();
    const opening = answer({ hub: { url: hub.url }, strategies: ['speculative'] });
    await expect(opening).rejects.toMatchObject({
      code: 'capability-missing',
      remedy: expect.stringContaining('uhlm'),
    });
  });
});
