/** The vocabulary contract on every tokeniser that needs no download. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { loadModel } from '../../src/model/llama-cpp/model.ts';
import type { LanguageModel } from '../../src/model/roles.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import {
  VOCABULARY_CONTRACT,
  type VocabularyInput,
} from '../../src/testing/contracts/vocabulary-contract.ts';
import { writeRandomModel } from '../../src/testing/random-model.ts';
import { VOCABULARIES } from './vocabularies.ts';

interface Subject extends VocabularyInput {
  readonly name: string;
  readonly open: (folder: string) => Promise<LanguageModel>;
}

const TEXTS = ['the in <', '> an é 日 < x', '  a\n\n<b>  1|>'] as const;

const SUBJECTS: readonly Subject[] = [
  {
    name: 'a scripted vocabulary',
    texts: ['ab', 'b'],
    open: async () => {
      const tokens = ['a', 'b', '<', '>', '', '<a>', 'a>', '<b>'];
      const next = (): number[] => tokens.map(() => 1 / tokens.length);
      return new ScriptedModel({ tokens, endOfGeneration: [4], special: [5, 7], next });
    },
  },
  ...Object.entries(VOCABULARIES).map(([name, options]) => ({
    name,
    texts: TEXTS,
    open: async (folder: string) => {
      const path = join(folder, 'random.gguf');
      await writeRandomModel(path, options);
      return await loadModel(path, { contextLength: 64, threadCount: 1 });
    },
  })),
];

describe.each(SUBJECTS)('$name keeps the vocabulary contract', ({ open, texts }) => {
  let folder = '';
  let model: LanguageModel | null = null;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilotfish-'));
    model = await open(folder);
  });
  afterAll(async () => {
    await model?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it.each(VOCABULARY_CONTRACT)('$name', ({ run }) => {
    run(required(model, 'the model was opened').vocabulary, { texts });
  });
});
