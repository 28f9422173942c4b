import { expect, it } from 'vitest';
import { loadQuestions } from './load-questions.ts';

it('there is a task, or prompts without answers', async () => {
  await expect(loadQuestions({})).rejects.toMatchObject({
    code: 'option-invalid',
    fields: { option: '--task' },
  });
  const { task, questions } = await loadQuestions({ task: 'pocket', split: 'train', count: 3 });
  expect([task, questions.length]).toEqual(['pocket/train', 3]);
});
