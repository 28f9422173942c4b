import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { GenerateRequest } from '../engine/request.ts';
import { tinyRouter } from '../judging/fakes/tiny-router.ts';
import { encodeRouter } from '../judging/router-file.ts';
import { PROFILE } from '../machines/fakes/timed-profile.ts';
import { LlamaCppModel } from '../model/llama-cpp/model.ts';
import { readModelFile } from '../model/llama-cpp/model-file.ts';
import { writeRandomModel } from '../testing/random-model.ts';
import { localProfileName, profileStore, thisMachine } from './machine/local-profile.ts';
import { openEngine } from './open-engine.ts';

let home: string;
let path: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-home-'));
  path = join(home, 'tiny.gguf');
  await writeRandomModel(path, { seed: 9, contextLength: 512 });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(home, { recursive: true, force: true });
});

async function firstEvent(engine: Engine, request: GenerateRequest): Promise<unknown> {
  for await (const event of engine.generate(request)) return event;
  return null;
}

describe('openEngine', () => {
  it.skipIf(availableParallelism() === 1)(
    'computes with the measured number of threads, or the number that the user sets',
    async () => {
      const { weightBytes } = await readModelFile(path);
      const threadCount = availableParallelism() - 1;
      const measured = [{ threadCount, ms: 1 }];
      const machine = thisMachine();
      await profileStore({ home }).save({
        ...{ ...PROFILE, name: localProfileName(machine), machine },
        threads: [{ model: 'tiny', weightBytes, threadCount, measured }],
      });
      const setThreadCount = vi.spyOn(LlamaCppModel.prototype, 'setThreadCount');
      const options = { small: path, strategies: ['small'], home };
      await (await openEngine(options)).close();
      expect(setThreadCount.mock.calls).toEqual([[threadCount]]);
      await (await openEngine({ ...options, threadCount: 1 })).close();
      expect(setThreadCount).toHaveBeenCalledTimes(1);
    },
  );

  it('names the model that it compares with, loaded or not', async () => {
    const large = join(home, 'larger.gguf');
    await writeRandomModel(large, { seed: 10, contextLength: 512, layerCount: 4 });
    const options = { small: path, large, strategies: ['small'], home, threadCount: 1 };
    await using engine = await openEngine(options);
    const start = await firstEvent(engine, { prompt: 'Hi', strategy: 'small' });
    const { kvBytesPerToken } = await readModelFile(path);
    expect(start).toMatchObject({
      labels: { small: 'tiny', large: 'larger' },
      models: { tiny: { kvBytesPerToken }, larger: { kvBytesPerToken: 2 * kvBytesPerToken } },
    });
  });

  it('lets the large model judge, unless another one is named; the two of a pair are never one', async () => {
    const judge = join(home, 'other.gguf');
    await writeRandomModel(judge, { seed: 3, contextLength: 512 });
    const options = { small: path, large: path, strategies: ['specreason'], home, threadCount: 1 };
    const labelsOf = async (more: object): Promise<unknown> => {
      await using engine = await openEngine({ ...options, ...more });
      const start = await firstEvent(engine, { prompt: 'Hi', strategy: 'small', maxTokens: 1 });
      return (start as { labels: unknown }).labels;
    };
    const pair = { small: 'tiny', large: 'tiny (large)' };
    expect(await labelsOf({})).toEqual({ ...pair, judge: 'tiny (large)' });
    expect(await labelsOf({ judge })).toEqual({ ...pair, judge: 'other' });
  });

  it('asks for a process reward model where the pair has none', async () => {
    const failed = openEngine({ small: path, large: path, strategies: ['rsd-prm'], home });
    await expect(failed).rejects.toMatchObject({
      code: 'model-unknown',
      message: expect.stringContaining('needs a reward model'),
      remedy: 'Name one with --reward.',
    });
  });

  it.each(['small', 'large'])(
    'leaves no model open where the %s one cannot be wrapped',
    async (at) => {
      const large = join(home, 'larger.gguf');
      await writeRandomModel(large, { seed: 10, contextLength: 512 });
      const opened: LlamaCppModel[] = [];
      const disposed: string[] = [];
      const failed = openEngine({
        ...{ small: path, large, strategies: ['entropy'], home, threadCount: 1 },
        wrapModel: async (model, { labels: [role = 'hub'], name }) => {
          opened.push(model);
          // Not the path, though the file was given by it.
          expect(name).toBe(model.facts.name);
          if (role === at) throw new PilotfishError('cache-invalid', 'no room for it');
          const wrapped = Object.create(model);
          wrapped[Symbol.asyncDispose] = async () => {
            disposed.push(role);
            await model[Symbol.asyncDispose]();
          };
          return wrapped;
        },
      });
      await expect(failed).rejects.toMatchObject({ code: 'cache-invalid' });
      // A wrapper is disposed of first, and disposes of its model.
      expect(disposed).toEqual(at === 'small' ? [] : ['small']);
      for (const model of opened) {
        expect(() => model.openSequence()).toThrow(expect.objectContaining({ code: 'disposed' }));
      }
    },
  );

  it('refuses a router that no strategy uses, before it searches for a model', async () => {
    const router = join(home, 'citer.safetensors');
    await writeFile(router, encodeRouter(tinyRouter()));
    const options = { small: join(home, 'nowhere.gguf'), home, headFiles: [router] };
    for (const named of [{}, { strategies: ['small', 'margin'] }]) {
      await expect(openEngine({ ...options, ...named })).rejects.toMatchObject({
        code: 'option-invalid',
        fields: { strategy: 'citer', path: router },
      });
    }
    await writeFile(router, 'cut off');
    await expect(openEngine(options)).rejects.toMatchObject({ code: 'head-invalid' });
    await rm(router);
    await expect(openEngine(options)).rejects.toMatchObject({ code: 'head-missing' });
  });

  it('tokenises a prompt as it reads it', async () => {
    const options = { small: path, strategies: ['small'], home, threadCount: 1 };
    await using engine = await openEngine(options);
    const request = { messages: [{ role: 'user' as const, content: 'Hi' }], strategy: 'small' };
    const tokens = engine.promptTokens(request);
    const start = await firstEvent(engine, request);
    expect(start).toMatchObject({ promptTokenCount: tokens.length });
    expect(tokens.length).toBeGreaterThan(2);
  });
});
