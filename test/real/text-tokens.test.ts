/**
 * Prompts on real vocabularies: the vocabulary contract, and the tokens of a real llama-server for
 * conversations that name no special token.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { Engine } from '../../src/engine/engine.ts';
import { type LlamaCppModel, loadModel } from '../../src/model/llama-cpp/model.ts';
import { VOCABULARY_CONTRACT } from '../../src/testing/contracts/vocabulary-contract.ts';
import { writeRandomModel } from '../../src/testing/random-model.ts';
import { VOCABULARIES } from '../contracts/vocabularies.ts';
import { anyConversation, namesNothing, PLAIN_PIECES } from '../text-inputs.ts';
import { writeGemma } from './gemma.ts';
import { type LlamaServer, serverPython, startServer } from './llama-server.ts';
import { IS_SLICE, realModel, SMALL, TINY } from './real-models.ts';

const GEMMA = 'the vocabulary of Gemma 3';
const MODELS = [
  ...['pocket-large', ...(IS_SLICE ? [] : [TINY, SMALL, GEMMA])],
  ...Object.keys(VOCABULARIES),
];
const TEXTS = ['def f(x): return x <', '> an é 日 < x', '  a\n\n<b>  1|>'] as const;
const CONTEXT_LENGTH = 512;
/** The server refuses what is not Unicode. */
const LONE_SURROGATE = '\ud800';

const found = await serverPython();
if ('reason' in found) process.stderr.write(`SKIPPED: ${found.reason}\n`);

async function modelPath(name: string, folder: string): Promise<string> {
  if (name === GEMMA) return await writeGemma(folder);
  const random = VOCABULARIES[name];
  if (random === undefined) return await realModel(name);
  const path = join(folder, 'random.gguf');
  await writeRandomModel(path, random);
  return path;
}

describe.each(MODELS)('%s', (name) => {
  let folder = '';
  let path = '';
  let opened: { readonly model: LlamaCppModel; readonly engine: Engine } | null = null;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilotfish-'));
    path = await modelPath(name, folder);
    const model = await loadModel(path, { name, contextLength: CONTEXT_LENGTH });
    opened = { model, engine: new Engine({ models: { small: null, large: model } }) };
  });
  afterAll(async () => {
    await opened?.engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it.each(VOCABULARY_CONTRACT)('$name', ({ run }) => {
    run(required(opened, 'the model was opened').model.vocabulary, { texts: TEXTS });
  });

  it('gives the ordinary tokens where no special token is named', () => {
    const { engine, model } = required(opened, 'the model was opened');
    const { vocabulary } = model;
    const property = fc.property(anyConversation(PLAIN_PIECES), (messages) => {
      fc.pre(namesNothing(vocabulary, messages));
      const ordinary = vocabulary.tokenize(vocabulary.renderChat(messages));
      expect(engine.promptTokens({ messages })).toEqual(ordinary);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it.skipIf('reason' in found)('gives the tokens of llama-server', async () => {
    const { engine, model } = required(opened, 'the model was opened');
    if (!('python' in found)) return;
    await using server: LlamaServer = await startServer(found.python, path, CONTEXT_LENGTH);
    const pieces = PLAIN_PIECES.filter((piece) => piece !== LONE_SURROGATE);
    const property = fc.asyncProperty(anyConversation(pieces), async (messages) => {
      fc.pre(namesNothing(model.vocabulary, messages));
      expect(engine.promptTokens({ messages })).toEqual(await server.promptTokens(messages));
    });
    await fc.assert(property, { numRuns: 200 });
  });
});
