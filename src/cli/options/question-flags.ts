/** Which questions, and how they are answered: options of the commands that ask many questions. */
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
      "where published sets' files are, as FOLDER/gsm8k/test.jsonl",
    ),
    split: text('--split <NAME>', `which part of the task (default: ${splitDefault})`),
    slice: text(
      '--slice <SLICE>',
      'questions chosen once and for all: a known slice or a .json file',
    ),
    count: count('--count <N>', 'how many questions', QUESTION_COUNT_MAX),
    from: number('--from <N>', 'pass over so many first', integerFrom(0)),
    questionSeed: number(
      '--question-seed <N>',
      "which pocket problems; shuffles a file's questions",
      integerFrom(0),
    ),
    prompt: text(
      '--prompt <NAME>',
      'how questions are asked: steps, boxed, hash, … (default: by task)',
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
      'tokens of an answer at most (default: 512)',
      MAX_TOKENS_MAX,
    ),
    waveSize: count('--wave <N>', 'questions side by side (default: 16)', waveSizeMax),
  };
}
