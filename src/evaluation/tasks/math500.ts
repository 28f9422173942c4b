/** MATH-500: the 500 competition problems held out by Lightman et al. (2023, arXiv 2305.20050). */
import { z } from 'zod';
import { FOUR_DOUBLINGS } from '../curves/share-interval.ts';
import { publishedTask } from './file-task.ts';
import type { Task } from './task.ts';

const ROW = z.object({
  problem: z.string().min(1),
  answer: z.string().min(1),
  level: z.number().int().optional().catch(undefined),
  unique_id: z.string().regex(/^test\/[\w/&-]+\.json$/, 'is not "test/SUBJECT/NUMBER.json"'),
});

export const MATH500: Task = publishedTask({
  name: 'math500',
  splits: ['test'],
  defaultPrompt: 'boxed',
  interval: FOUR_DOUBLINGS,
  publishedAt: 'huggingface.co/datasets/HuggingFaceH4/MATH-500',
  format: 'jsonl',
  row: ROW,
  fileName: () => 'test.jsonl',
  question: ({ problem, answer, level, unique_id }) => ({
    id: `math500/${unique_id.slice(0, -'.json'.length)}`,
    text: problem.trim(),
    answer,
    kind: 'latex',
    ...(level === undefined ? {} : { difficulty: `level ${level}` }),
  }),
});
