/** Pilotfish's single models against llama-server on the same file: greedy, token for token. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { tokenId } from '../../src/core/token-id.ts';
import { Engine } from '../../src/engine/engine.ts';
import { type LlamaCppModel, loadModel } from '../../src/model/llama-cpp/model.ts';
import { teacherForce } from '../../src/testing/teacher-force.ts';
import { type LlamaServer, serverPython, startServer } from './llama-server.ts';
import { IS_SLICE, LARGE, LOGIT_NOISE, realModel, run, SMALL, TINY } from './real-models.ts';

const QUESTIONS = [
  'Natalia sold 48 clips in April and half as many in May. How many in all?',
  'Write a Python function that reverses a string.',
  'Ana has 12 apples. Ben gives Ana 5 apples. How many apples does Ana have now?',
];
const MAX_TOKENS = 40;
const CONTEXT_LENGTH = 512;
const POCKET = ['pocket-small', 'pocket-small-strong', 'pocket-large'];
const MODELS = IS_SLICE ? [...POCKET, TINY] : [...POCKET, TINY, SMALL, LARGE];

const found = await serverPython();
if ('reason' in found) process.stderr.write(`SKIPPED: ${found.reason}\n`);

describe.skipIf('reason' in found).each(MODELS)('llama-server with %s', (name) => {
  let server: LlamaServer | null = null;
  let model: LlamaCppModel;
  let engine: Engine;
  beforeAll(async () => {
    const path = await realModel(name);
    model = await loadModel(path, { name, contextLength: CONTEXT_LENGTH });
    engine = new Engine({ models: { small: null, large: model } });
    if ('python' in found) server = await startServer(found.python, path, CONTEXT_LENGTH);
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it.each(QUESTIONS)('writes the same greedy answer, up to near-ties: %s', async (question) => {
    const messages = [{ role: 'user' as const, content: question }];
    const prompt = model.vocabulary.tokenize(model.vocabulary.renderChat(messages));
    const ours = await run(engine, { messages, strategy: 'large', maxTokens: MAX_TOKENS });
    const theirs = (await server?.complete(prompt, MAX_TOKENS)) ?? [];
    const at = ours.ids.findIndex((id, index) => id !== theirs[index]);
    if (at < 0) return;
    const [own, other] = [ours.ids[at], theirs[at]];
    if (other === undefined) {
      // The server ends without reporting the end-of-generation token, which this program counts.
      expect(model.vocabulary.isEndOfGeneration(required(own, 'our token'))).toBe(true);
      return;
    }
    const answer = [...ours.ids.slice(0, at), tokenId(other)];
    const forced = await teacherForce(model, prompt, answer);
    process.stderr.write(`${name}: first difference at ${at}, gap ${forced.worstGap.toFixed(3)}\n`);
    expect(forced.worstGap).toBeLessThan(LOGIT_NOISE);
  });
});
