import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRAINING_WAVE_SIZE_MAX } from '../training/sequence-counts.ts';
import { train } from './train.ts';
import { trainReward } from './train-reward.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-train-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('training', () => {
  it.each([
    { hidden: false, topLogprobs: 0, tokenEmbedding: false },
    { hidden: true, topLogprobs: 33, tokenEmbedding: false },
    { hidden: true, topLogprobs: 1.5, tokenEmbedding: false },
    { hidden: false, topLogprobs: -1, tokenEmbedding: true },
  ])('refuses features that no router can have before anything is read: %o', async (features) => {
    const run = train({ task: 'no such task', objective: 'citer', folder: '/nowhere', features });
    const { hidden, topLogprobs } = features;
    const fields = { hidden, topLogprobs };
    await expect(run).rejects.toMatchObject({ code: 'option-invalid', fields });
  });

  it('refuses to roll out where no answer can be checked, before a model is loaded', async () => {
    const traffic = join(folder, 'mine.jsonl');
    await writeFile(traffic, '{"prompt": "Why is the sky blue?"}\n{"prompt": "And the sea?"}\n');
    const run = (objective: 'citer' | 'citer-s') =>
      train({ traffic, objective, folder, small: 'no such model', large: 'no such model' });
    await expect(run('citer')).rejects.toMatchObject({
      code: 'training-data-insufficient',
      message: 'mine/1 has no answer that could be checked; citer needs one.',
      remedy: expect.stringContaining('citer-s'),
    });
    await expect(trainReward({ traffic, folder })).rejects.toMatchObject({
      message: 'mine/1 has no answer that could be checked; the training of a reward needs one.',
      remedy: 'Give questions with answers.',
    });
    // Other objectives come as far as the models.
    await expect(run('citer-s')).rejects.toMatchObject({ code: 'model-unknown' });
  });

  it.each([TRAINING_WAVE_SIZE_MAX + 1, 240, 0, 1.5])(
    'refuses a wave of %s by name before a model is loaded',
    async (waveSize) => {
      const small = join(folder, 'nowhere.gguf');
      const options = { task: 'pocket', count: 1, objective: 'citer', folder, small } as const;
      await expect(train({ ...options, waveSize })).rejects.toMatchObject({
        code: 'option-invalid',
        message: `waveSize is ${waveSize}, which is not possible.`,
        remedy: `Answer from 1 to ${TRAINING_WAVE_SIZE_MAX} questions side by side.`,
      });
      // The greatest allowed size does not stop it.
      const most = train({ ...options, waveSize: TRAINING_WAVE_SIZE_MAX });
      await expect(most).rejects.toMatchObject({ code: 'model-file-missing' });
    },
  );

  it.each([{ roundCount: 0 }, { drawCount: 1.5 }, { positionCountMax: -1 }, { policyShare: 20 }])(
    'refuses the impossible number of %o',
    async (wrong) => {
      const run = train({ task: 'no such task', folder: '/nowhere', ...wrong });
      const [option] = Object.keys(wrong);
      await expect(run).rejects.toMatchObject({ code: 'option-invalid', fields: { option } });
    },
  );

  it('refuses a misspelt name before a model is loaded', async () => {
    const run = train({ task: 'no such task', objective: 'citer', folder: '/nowhere' });
    await expect(run).rejects.toMatchObject({ code: 'task-unknown' });
  });
});
