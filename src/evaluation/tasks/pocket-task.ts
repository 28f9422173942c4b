/**
 * The pocket problems (pocket/problem.ts) as a task: generated, and so without a limit in number.
 */
import { PilotfishError } from '../../core/errors.ts';
import { FOUR_DOUBLINGS } from '../curves/share-interval.ts';
import { type PocketSplit, pocketProblem } from './pocket/problem.ts';
import { checkIds, checkInteger, inRange, unknownQuestions } from './select.ts';
import { type BareQuestion, checkSplit, type LoadOptions, prompted, type Task } from './task.ts';

const SPLITS: readonly PocketSplit[] = ['train', 'test', 'templates', 'numbers'];
const SEED = 1;
const COUNT_MAX = 1_000_000;

export const POCKET: Task = {
  name: 'pocket',
  splits: SPLITS,
  defaultPrompt: 'bare',
  interval: FOUR_DOUBLINGS,
  load: async (options) => {
    checkSplit(POCKET, options.split);
    const questions = options.ids === undefined ? inOrder(options) : byIds(options.ids, options);
    return prompted(questions, options, POCKET);
  },
};

function inOrder({ split, seed = SEED, from = 0, count }: LoadOptions): readonly BareQuestion[] {
  checkInteger('seed', seed, 0);
  checkInteger('from', from, 0);
  if (count === undefined || count > COUNT_MAX) {
    throw new PilotfishError(
      'option-invalid',
      'The pocket task has no fixed number of questions.',
      {
        remedy: `Give their count, up to ${COUNT_MAX}.`,
        fields: { count: count ?? null },
      },
    );
  }
  checkInteger('count', count, 1);
  return Array.from({ length: count }, (_, index) => pocketQuestion(split, seed, from + index));
}

const ID = /^pocket\/(\w+)\/(0|[1-9]\d{0,14})\/(0|[1-9]\d{0,14})$/;

/** The questions of the ids, which contain the seed. */
function byIds(ids: readonly string[], options: LoadOptions): readonly BareQuestion[] {
  checkIds(ids);
  const read = ids.map((id) => {
    const [, split, seed, index] = ID.exec(id) ?? [];
    return { id, isKnown: split === options.split, seed: Number(seed), index: Number(index) };
  });
  const missing = read.filter(({ isKnown }) => !isKnown).map(({ id }) => id);
  if (missing.length > 0) throw unknownQuestions(missing);
  return inRange(read, options).map(({ seed, index }) =>
    pocketQuestion(options.split, seed, index),
  );
}

function pocketQuestion(split: string, seed: number, index: number): BareQuestion {
  const { question, answer, operations } = pocketProblem(
    { split: split as PocketSplit, seed },
    index,
  );
  return {
    id: `pocket/${split}/${seed}/${index}`,
    text: question,
    answer: String(answer),
    kind: 'pocket',
    difficulty: `${operations.length} operations`,
  };
}
