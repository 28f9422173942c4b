/** The options of `openEngine` for requests side by side, on a random model in a file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenEngineOptions, openEngine } from '../../src/app/open-engine.ts';
import { writeRandomModel } from '../../src/testing/random-model.ts';

let folder: string;
let options: OpenEngineOptions;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-open-'));
  const large = join(folder, 'large.gguf');
  await writeRandomModel(large, { seed: 3, contextLength: 128 });
  options = { ...{ large, home: folder, offline: true }, strategies: ['large'], threadCount: 1 };
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The number of requests that run at once, of three that could. */
async function runningCount(given: OpenEngineOptions): Promise<number> {
  await using engine = await openEngine({ ...options, ...given });
  const requests = [0, 1, 2].map(() =>
    engine.generate({ prompt: 'the fox', strategy: 'large', maxTokens: 40 }),
  );
  const first = requests.map((request) => request.next().catch(() => undefined));
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  const { load } = engine;
  expect(load.runningCount + load.waitingCount).toBe(3);
  await Promise.all(requests.map((request) => request.return()));
  await Promise.all(first);
  return load.runningCount;
}

describe('an engine that is opened', () => {
  it('runs the given number of requests at once, as far as they have room', async () => {
    const cellCount = 200;
    expect(await runningCount({ cellCount })).toBe(3);
    expect(await runningCount({ cellCount, requestCountMax: 2 })).toBe(2);
    expect(await runningCount({ cellCount, sequenceCountMax: 1 })).toBe(1);
    expect(await runningCount({ cellCount: 128 })).toBe(2);
    expect(await runningCount({ cellCount: 128, overcommit: 4 })).toBe(3);
  });

  it('refuses an invalid number of requests', async () => {
    for (const given of [{ overcommit: 0 }, { requestCountMax: 0 }, { sequenceCountMax: 0 }]) {
      await expect(openEngine({ ...options, ...given })).rejects.toMatchObject({
        code: 'option-invalid',
      });
    }
  });
});
