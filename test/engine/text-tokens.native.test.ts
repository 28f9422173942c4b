/** Texts and conversations as tokens, on tokenisers of several families: properties over random ones. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../src/core/chat-message.ts';
import { required } from '../../src/core/invariant.ts';
import type { TokenId } from '../../src/core/token-id.ts';
import { Engine } from '../../src/engine/engine.ts';
import { type LlamaCppModel, loadModel } from '../../src/model/llama-cpp/model.ts';
import { writeRandomModel } from '../../src/testing/random-model.ts';
import { VOCABULARIES } from '../contracts/vocabularies.ts';
import { runs } from '../runs.ts';
import { anyConversation, namesNothing, PLAIN_PIECES, specialPieces } from '../text-inputs.ts';

describe.each(Object.entries(VOCABULARIES))('%s', (_, options) => {
  let folder = '';
  let opened: { readonly model: LlamaCppModel; readonly engine: Engine } | null = null;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilotfish-'));
    const path = join(folder, 'random.gguf');
    await writeRandomModel(path, options);
    const model = await loadModel(path, { contextLength: 2048, threadCount: 1 });
    opened = { model, engine: new Engine({ models: { small: null, large: model } }) };
  });
  afterAll(async () => {
    await opened?.engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it('gives the ordinary tokens where no special token is named', () => {
    const { engine, model } = required(opened, 'the model was opened');
    const { vocabulary } = model;
    const property = fc.property(anyConversation(PLAIN_PIECES), (messages) => {
      fc.pre(namesNothing(vocabulary, messages));
      const ordinary = vocabulary.tokenize(vocabulary.renderChat(messages));
      expect(engine.promptTokens({ messages })).toEqual(ordinary);
    });
    fc.assert(property, { numRuns: runs(150, 5000) });
  });

  it('gives the special tokens of the template alone, and all of the text', () => {
    const { engine, model } = required(opened, 'the model was opened');
    const { vocabulary } = model;
    const special = new Set(vocabulary.specialTokens.map(({ id }) => id));
    const structure = (ids: readonly TokenId[]): readonly TokenId[] =>
      ids.filter((id) => special.has(id));
    const pieces = [...PLAIN_PIECES, ...specialPieces(vocabulary)];
    const property = fc.property(anyConversation(pieces), (messages) => {
      const ids = engine.promptTokens({ messages });
      const harmless = messages.map(({ role }): ChatMessage => ({ role, content: 'a' }));
      expect(structure(ids)).toEqual(structure(engine.promptTokens({ messages: harmless })));
      const bytes = ids.map((id) => vocabulary.tokenBytes(id));
      const question = required(messages.at(-1), 'a question').content.trim();
      expect(asRead(Buffer.concat(bytes))).toContain(asRead(Buffer.from(question)));
    });
    fc.assert(property, { numRuns: runs(150, 5000) });
  });
});

/** SentencePiece reads \u2581 as a space. */
function asRead(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll('\u2581', ' ');
}
