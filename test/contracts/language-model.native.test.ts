/** The language model contract on every implementation that needs no download. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { PrefixCache } from '../../src/kv-cache/prefix-cache.ts';
import { loadModel } from '../../src/model/llama-cpp/model.ts';
import { CachedModel, type CachedModelOptions } from '../../src/model/remembered/cached-model.ts';
import { TrieStore } from '../../src/model/remembered/trie-store.ts';
import type { LanguageModel } from '../../src/model/roles.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { LANGUAGE_MODEL_CONTRACT } from '../../src/testing/contracts/language-model-contract.ts';
import { writeRandomModel } from '../../src/testing/random-model.ts';

interface Subject {
  readonly name: string;
  readonly open: (folder: string) => Promise<LanguageModel>;
  readonly tieMargin: number;
}

function scriptedModel(cellCount = 64): ScriptedModel {
  return new ScriptedModel({
    cellCount,
    tokens: ['a', 'b', 'c', 'd', ''],
    endOfGeneration: [4],
    next: (prefix) => {
      const at = ((prefix.at(-1) ?? 0) * 3 + prefix.length) % 5;
      return [0, 1, 2, 3, 4].map((id) => (id === at ? 0.6 : 0.1));
    },
  });
}

async function randomModel(folder: string, cellCount = 256): Promise<LanguageModel> {
  const path = join(folder, 'random.gguf');
  await writeRandomModel(path, { seed: 11 });
  return await loadModel(path, { contextLength: 256, cellCount, rowCountMax: 32, threadCount: 1 });
}

function cached(
  model: LanguageModel,
  folder: string,
  options: CachedModelOptions = {},
): LanguageModel {
  const scope = { modelDigest: 'any', engine: 'any' };
  return new CachedModel(model, new TrieStore(join(folder, 'cache'), scope), options);
}

const WITH_FEATURES: CachedModelOptions = { features: { hidden: true, topLogprobs: 8 } };

/** Around sequences that come from a pool, with a pin that the texts of the contract begin with. */
async function pooled(model: LanguageModel, folder: string): Promise<LanguageModel> {
  const tokens = contractTokens(model);
  const pool = new PrefixCache({ model });
  await pool.pin([...tokens, ...tokens, ...tokens]);
  return cached(model, folder, { pool });
}

function contractTokens({ vocabulary: { size } }: LanguageModel): readonly TokenId[] {
  return tokenIds([3, 1, 2, 0, 1, 3, 2, 2, 1, 0, 3, 1].map((id) => (id * 31) % size));
}

const SUBJECTS: readonly Subject[] = [
  { name: 'scripted model', tieMargin: 0, open: async () => scriptedModel() },
  {
    name: 'llama.cpp with random weights',
    tieMargin: 0.02,
    open: randomModel,
  },
  {
    name: 'a cache around a scripted model',
    tieMargin: 0,
    open: async (folder) => cached(scriptedModel(), folder),
  },
  {
    name: 'a cache around llama.cpp',
    tieMargin: 0.02,
    open: async (folder) => cached(await randomModel(folder), folder),
  },
  {
    name: 'a cache with features around a scripted model',
    tieMargin: 0,
    open: async (folder) => cached(scriptedModel(), folder, WITH_FEATURES),
  },
  {
    name: 'a cache with features around llama.cpp',
    tieMargin: 0.02,
    open: async (folder) => cached(await randomModel(folder), folder, WITH_FEATURES),
  },
  {
    name: 'a cache around a pool with a pin before a scripted model',
    tieMargin: 0,
    open: async (folder) => await pooled(scriptedModel(400), folder),
  },
  {
    name: 'a cache around a pool with a pin before llama.cpp',
    tieMargin: 0.02,
    open: async (folder) => await pooled(await randomModel(folder, 512), folder),
  },
];

for (const subject of SUBJECTS) {
  describe(`${subject.name} keeps the language model contract`, () => {
    let folder = '';
    let model: LanguageModel | null = null;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'pilotfish-'));
      model = await subject.open(folder);
    });
    afterAll(async () => {
      await model?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    });

    for (const { name, run } of LANGUAGE_MODEL_CONTRACT) {
      it(name, async () => {
        const opened = required(model, 'the model was opened');
        await run(opened, { tokens: contractTokens(opened), tieMargin: subject.tieMargin });
      });
    }
  });
}
