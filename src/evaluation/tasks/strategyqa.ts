/**
 * StrategyQA (Geva et al. 2021, arXiv 2101.02235): yes or no, by facts that must be found first.
 */
import { z } from 'zod';
import { FOUR_DOUBLINGS } from '../curves/share-interval.ts';
import { publishedTask } from './file-task.ts';
import type { Task } from './task.ts';

const ROW = z.object({
  qid: z.string().min(1),
  question: z.string().min(1),
  answer: z.boolean(),
});

export const STRATEGYQA: Task = publishedTask({
  name: 'strategyqa',
  splits: ['dev'],
  defaultPrompt: 'yes-no',
  interval: FOUR_DOUBLINGS,
  publishedAt: 'github.com/eladsegal/strategyqa (data/strategyqa)',
  format: 'json',
  row: ROW,
  fileName: () => 'dev.json',
  question: ({ qid, question, answer }, _, split) => ({
    id: `strategyqa/${split}/${qid}`,
    text: question.trim(),
    answer: answer ? 'Yes' : 'No',
    kind: 'choice',
    options: ['Yes', 'No'],
  }),
});
