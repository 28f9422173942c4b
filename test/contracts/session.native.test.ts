/** The session contract on llama.cpp. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { type LlamaCppModel, loadModel } from '../../src/model/llama-cpp/model.ts';
import { soleSession } from '../../src/session/sole-session.ts';
import { SessionBench, type SessionSubject } from '../../src/testing/contracts/session-bench.ts';
import { sessionContract } from '../../src/testing/contracts/session-contract.ts';
import { writeRandomModel } from '../../src/testing/random-model.ts';

const PROMPT = tokenIds([3, 41, 5, 26, 9, 17, 8]);

let folder: string;
let model: LlamaCppModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-session-'));
  const path = join(folder, 'random.gguf');
  await writeRandomModel(path, { seed: 11 });
  model = await loadModel(path, { contextLength: 256, cellCount: 1024, threadCount: 1 });
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function subject(): SessionSubject {
  return {
    name: 'llama.cpp',
    prompt: PROMPT,
    choiceBehind: async (text) => {
      await using session = soleSession(model, { promptLength: PROMPT.length });
      const [row] = await session.rows({ text, outputCount: 1, purpose: 'draft' });
      return required(row, 'one row').tokenId;
    },
    tokenText: (id: TokenId) => new TextDecoder().decode(model.vocabulary.tokenBytes(id)),
    isEndOfGeneration: (id: TokenId) => model.vocabulary.isEndOfGeneration(id),
    isRemote: false,
    open: ({ sampling, ...request }) =>
      soleSession(model, {
        ...{ ...request, promptLength: PROMPT.length },
        sampling: { vocabularySize: model.vocabulary.size, sampling, seed: 0 },
      }),
    // A native forward takes microseconds, too short to act while one is in flight.
    hold: null,
    failNext: null,
    checkIdle: () => {
      if (model.sequenceCount > 0) throw new Error('a sequence is still open');
    },
  };
}

describe('a session of llama.cpp', () => {
  for (const { name, run } of sessionContract({ hold: null, failNext: null })) {
    it(name, () => run(new SessionBench(subject())));
  }
});
