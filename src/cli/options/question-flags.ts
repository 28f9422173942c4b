/** The questions and how they are answered: options of the commands that ask many questions. */
import type { QuestionOptions } from '../../app/questions/load-questions.ts';
import { count, type FlagTable, number, text } from './flags.ts';
import { integerFrom } from './parse-number.ts';

export const QUESTION_COUNT_MAX = 100_000;
const MAX_TOKENS_MAX = 100_000;

type TaskFields = Omit<QuestionOptions, 'traffic' | 'onNotice'>;

export function questionFlags(splitDefault: string): FlagTable<TaskFields> {
  return {
    task: text('--task <TASK>', 'pocket, gsm8k, svamp, math500, strategyqa, or a .jsonl file'),
    dataFolder: text(
      '--data <FOLDER>',
      'the folder of the published sets, with files such as FOLDER/gsm8k/test.jsonl',
    ),
    split: text('--split <NAME>', `the split of the task (default: ${splitDefault})`),
    slice: text('--slice <SLICE>', 'a fixed selection of questions: a known slice or a .json file'),
    count: count('--count <N>', 'how many questions', QUESTION_COUNT_MAX),
    from: number('--from <N>', 'skip this number of questions first', integerFrom(0)),
    questionSeed: number(
      '--question-seed <N>',
      "chooses the pocket problems; shuffles a file's questions",
      integerFrom(0),
    ),
    prompt: text(
      '--prompt <NAME>',
      'the prompt around questions: steps, boxed, hash, … (default: by task)',
    ),
  };
}

export const TRAFFIC_FLAGS: FlagTable<Pick<QuestionOptions, 'traffic'>> = {
  traffic: text('--traffic <FILE>', 'instead of a task: prompts without answers, as JSON lines'),
};

interface AnsweringFields {
  readonly maxTokens?: number | undefined;
  readonly waveSize?: number | undefined;
}

export function answeringFlags(waveSizeMax: number): FlagTable<AnsweringFields> {
  return {
    maxTokens: count(
      '--max-tokens <N>',
      'the most tokens of an answer (default: 512)',
      MAX_TOKENS_MAX,
    ),
    waveSize: count(
      '--wave <N>',
      'questions that are answered side by side (default: 16)',
      waveSizeMax,
    ),
  };
}
