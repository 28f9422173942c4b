import { describe, expect, it } from 'vitest';
import { train } from './train.ts';

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

  it('refuses what is misspelt before a model is loaded', async () => {
    const run = train({ task: 'no such task', objective: 'citer', folder: '/nowhere' });
    await expect(run).rejects.toMatchObject({ code: 'task-unknown' });
  });
});
