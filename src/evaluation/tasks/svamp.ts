/**
 * SVAMP (Patel et al. 2021, arXiv 2103.07191): problems of one or two steps, each a variation of a
 * known one. Its authors publish no split. Here the first 300 ids are `train` and the other 700
 * `test`. Variations of one problem are spread over all ids: three in four of `test` share most
 * words of their body, though not the numbers or the question, with one of `train`. So `train`
 * serves to choose prompts and thresholds; results on SVAMP are not valid for a model that was
 * trained on it.
 */
import { z } from 'zod';
import { FOUR_DOUBLINGS } from '../curves/share-interval.ts';
import { publishedTask } from './file-task.ts';
import type { Task } from './task.ts';

export const SVAMP_TRAIN_COUNT = 300;

const ROW = z.object({
  ID: z.string().regex(/^chal-[1-9]\d*$/, 'is not "chal-NUMBER"'),
  Body: z.string().min(1),
  Question: z.string().min(1),
  Answer: z.number().finite(),
});

export const SVAMP: Task = publishedTask({
  name: 'svamp',
  splits: ['train', 'test'],
  defaultPrompt: 'examples',
  interval: FOUR_DOUBLINGS,
  publishedAt: 'github.com/arkilpatel/SVAMP',
  format: 'json',
  row: ROW,
  fileName: () => 'SVAMP.json',
  question: ({ ID, Body, Question, Answer }, _, split) => {
    const isTrain = Number(ID.slice('chal-'.length)) <= SVAMP_TRAIN_COUNT;
    if (isTrain !== (split === 'train')) return null;
    return {
      id: `svamp/${split}/${ID}`,
      text: joined(Body.trim(), Question.trim()),
      answer: String(Answer),
      kind: 'number',
    };
  },
});

/**
 * A third of the bodies end in half a sentence, as in "If she buys 3 more" + "How many has she
 * now?"
 */
function joined(body: string, question: string): string {
  if (/[.!?,]$/.test(body)) return `${body} ${question}`;
  return `${body}, ${question.charAt(0).toLowerCase()}${question.slice(1)}`;
}
