import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeRandomModel } from '../../testing/random-model.ts';
import { DECODE_OK } from './abi.ts';
import { loadLibrary } from './library.ts';
import type { Address } from './native-api.ts';
import { NativeContext } from './native-context.ts';

const ROW_COUNT_MAX = 64;
const { abi } = loadLibrary();
let folder = '';
let model: Address = 0n;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'native-context-'));
  await writeRandomModel(join(folder, 'model.gguf'), { seed: 1 });
  model = await abi.modelLoad(join(folder, 'model.gguf'), abi.modelDefaultParams());
});
afterAll(async () => {
  await abi.modelFree(model);
  rmSync(folder, { recursive: true });
});

async function withContext(work: (context: NativeContext) => Promise<void>): Promise<void> {
  const vocabularySize = abi.tokenCount(abi.modelVocabulary(model));
  const context = await NativeContext.open(abi, model, {
    shape: { cellCount: 256, rowCountMax: ROW_COUNT_MAX, sequenceCountMax: 2, threadCount: 1 },
    sizes: { vocabularySize, hiddenSize: abi.modelHiddenSize(model) },
  });
  try {
    await work(context);
  } finally {
    await context.free();
  }
}

/** Evaluates rows of sequence 0, all with outputs. */
async function decode(
  context: NativeContext,
  tokens: readonly number[],
  hidden = false,
): Promise<void> {
  const position = context.length(0);
  const code = await context.decode([{ tokens, position, sequence: 0, outputFrom: 0 }], hidden);
  expect(code).toBe(DECODE_OK);
}

const tokensFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => 65 + ((first + 7 * index) % 26));

describe('outputs', () => {
  it('are seen through one view per address, which shows the last batch', () =>
    withContext(async (context) => {
      await decode(context, [65]);
      const view = context.outputs().logits(0);
      const before = [...view];
      await decode(context, [66]);
      expect(context.outputs().logits(0)).toBe(view);
      expect([...view]).not.toEqual(before);
    }));

  it('are correct after they outgrew their buffer, also beside hidden states', () =>
    withContext(async (context) => {
      const rowsOf = async (count: number): Promise<{ logits: number[]; hidden: number[] }> => {
        context.truncate(0, 0);
        await decode(context, tokensFrom(0, count), true);
        const outputs = context.outputs();
        const [logits, hidden] = [outputs.logits(count - 1), outputs.hidden(count - 1)];
        expect(logits.length).toBe(abi.tokenCount(abi.modelVocabulary(model)));
        expect(hidden.length).toBe(abi.modelHiddenSize(model));
        return { logits: [...logits], hidden: [...hidden] };
      };
      const first = [await rowsOf(1), await rowsOf(3), await rowsOf(ROW_COUNT_MAX)];
      expect([await rowsOf(1), await rowsOf(3), await rowsOf(ROW_COUNT_MAX)]).toEqual(first);
      expect(new Set(first.map(({ logits }) => logits.join())).size).toBe(3);
    }));
});
