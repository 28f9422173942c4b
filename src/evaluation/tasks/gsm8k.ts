/** GSM8K (Cobbe et al. 2021, arXiv 2110.14168): word problems of two to eight steps. */
import { z } from 'zod';
import { FOUR_DOUBLINGS } from '../curves/share-interval.ts';
import { publishedTask } from './file-task.ts';
import type { Task } from './task.ts';

const ROW = z.object({
  question: z.string().min(1),
  /** A worked solution, with its result on the last line. */
  answer: z.string().regex(/\n#### *\S[^\n]*\s*$/, 'has no last line "#### NUMBER"'),
});

export const GSM8K: Task = publishedTask({
  name: 'gsm8k',
  splits: ['train', 'test'],
  defaultPrompt: 'examples',
  interval: FOUR_DOUBLINGS,
  publishedAt: 'github.com/openai/grade-school-math (grade_school_math/data)',
  format: 'jsonl',
  row: ROW,
  fileName: (split) => `${split}.jsonl`,
  question: ({ question, answer }, index, split) => ({
    id: `gsm8k/${split}/${index}`,
    text: question.trim(),
    answer: answer.slice(answer.lastIndexOf('####') + 4).trim(),
    kind: 'number',
  }),
});
