import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenIds } from '../../core/token-id.ts';
import { writeRandomModel } from '../../testing/random-model.ts';
import { executorBench as bench, takeViolations } from './fakes/fake-context.ts';
import { type LlamaCppModel, loadModel } from './model.ts';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-threads-'));
  path = join(folder, 'model.gguf');
  await writeRandomModel(path, { seed: 5, contextLength: 256 });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const load = (threadCount: number): Promise<LlamaCppModel> =>
  loadModel(path, { contextLength: 64, rowCountMax: 16, threadCount });

/** Writes greedy tokens, with an action before each of them. */
async function write(model: LlamaCppModel, before: (step: number) => Promise<void>) {
  await using sequence = model.openSequence();
  const written: number[] = [];
  let tokens = tokenIds([72, 105]);
  for (let step = 0; step < 12; step += 1) {
    await before(step);
    const program = {
      vocabularySize: model.vocabulary.size,
      sampling: GREEDY,
      seed: 0,
      purpose: 'sample' as const,
    };
    const { rows } = await sequence.forward({ tokens, outputFrom: tokens.length - 1, program });
    written.push(...rows.map(({ tokenId: choice }) => choice));
    tokens = rows.map(({ tokenId: choice }) => choice);
  }
  return written;
}

describe('the number of threads of a model', () => {
  it('changes between forwards, and the text stays the same', async () => {
    await using model = await load(1);
    const most = availableParallelism();
    const expected = await write(model, async () => undefined);
    const changed = await write(model, (step) => model.setThreadCount(step % 2 === 0 ? most : 1));
    expect(changed).toEqual(expected);
    expect(model.threadCount).toBe(1);
    await model.setThreadCount(most);
    expect(model.threadCount).toBe(most);
  });

  it.each([0, -1, 1.5, Number.NaN, 1000])(
    'refuses %d and keeps its number of threads',
    async (threadCount) => {
      await using model = await load(1);
      await expect(model.setThreadCount(threadCount)).rejects.toMatchObject({
        code: 'option-invalid',
        fields: { option: 'threads' },
      });
      expect(model.threadCount).toBe(1);
    },
  );

  it('cannot be set on a closed model', async () => {
    const model = await load(1);
    await model[Symbol.asyncDispose]();
    await expect(model.setThreadCount(1)).rejects.toMatchObject({ code: 'disposed' });
  });

  it('waits for the batch under way', async () => {
    const { ask, context, executor } = bench();
    let changed: Promise<void> = Promise.resolve();
    context.during = () => {
      changed = executor.change((native) => native.setThreadCount(3));
      expect(context.threadCounts).toEqual([]);
    };
    await ask(0, 2);
    await changed;
    expect(context.threadCounts).toEqual([3]);
    expect(takeViolations()).toEqual([]);
  });
});
