/**
 * The user's own questions: a file of JSON lines `{question, answer, id?, kind?, options?}`. Other
 * fields are ignored. Without `kind`:
 *
 * - a row with options is a choice;
 * - an answer that is one number without a unit is a number (`$1,200`, `45%`);
 * - any other answer is a text (`12 Angry Men`, but also `12 eggs`).
 */
import { basename } from 'node:path';
import { z } from 'zod';
import { FOUR_DOUBLINGS } from '../curves/share-interval.ts';
import { OPTION_COUNT_MAX } from '../graders/choice.ts';
import { isBareNumber } from '../graders/number.ts';
import type { AnswerKind } from '../question.ts';
import { readOwnQuestions } from './file-task.ts';
import { select } from './select.ts';
import { type BareQuestion, checkSplit, prompted, type Task } from './task.ts';

const TEXT_OR_NUMBER = z.union([z.string().min(1), z.number().finite()]).transform(String);

const ROW = z.object({
  question: z.string().trim().min(1),
  answer: TEXT_OR_NUMBER,
  id: TEXT_OR_NUMBER.optional(),
  kind: z.enum(['number', 'latex', 'choice', 'text']).optional(),
  options: z.array(z.string().min(1)).min(2).max(OPTION_COUNT_MAX).optional(),
});

export const JSONL_EXTENSION = '.jsonl';

export function jsonlTask(path: string): Task {
  const name = basename(path, JSONL_EXTENSION);
  const task = { name, splits: ['all'], defaultPrompt: null, interval: FOUR_DOUBLINGS };
  const schema = ROW.transform((row) => (place: string) => ownQuestion(row, name, place));
  return {
    ...task,
    load: async (options) => {
      checkSplit(task, options.split);
      const questions = await readOwnQuestions(path, schema);
      return prompted(select(questions, options), options, task);
    },
  };
}

function ownQuestion(
  { question, answer, id, kind, options }: z.infer<typeof ROW>,
  name: string,
  place: string,
): BareQuestion {
  return {
    id: `${name}/${id ?? place.replace('line ', '')}`,
    text: question,
    answer,
    kind: kind ?? likelyKind(answer, options),
    ...(options !== undefined && { options }),
  };
}

function likelyKind(answer: string, options: readonly string[] | undefined): AnswerKind {
  if (options !== undefined) return 'choice';
  return isBareNumber(answer) ? 'number' : 'text';
}
