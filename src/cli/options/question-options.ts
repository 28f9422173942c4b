/** Which questions: the options that commands about many questions share. */
import type { Command } from 'commander';
import type { QuestionOptions } from '../../app/load-questions.ts';
import { definedFields } from '../../core/defined-fields.ts';
import { integerFrom, numberParser } from './parse-number.ts';

export interface QuestionFlags {
  readonly task?: string;
  readonly traffic?: string;
  readonly split?: string;
  readonly slice?: string;
  readonly count?: number;
  readonly from?: number;
  readonly questionSeed?: number;
  readonly data?: string;
  readonly prompt?: string;
}

export const QUESTION_COUNT_MAX = 100_000;

export function addQuestionOptions(command: Command, splitDefault: string): Command {
  return command
    .option('--task <TASK>', 'pocket, gsm8k, svamp, math500, strategyqa, or a .jsonl file')
    .option('--data <FOLDER>', "where published sets' files are, as FOLDER/gsm8k/test.jsonl")
    .option('--split <NAME>', `which part of the task (default: ${splitDefault})`)
    .option('--slice <SLICE>', 'questions chosen once and for all: a known slice or a .json file')
    .option(
      '--count <N>',
      'how many questions',
      numberParser('--count', integerFrom(1, QUESTION_COUNT_MAX)),
    )
    .option('--from <N>', 'pass over so many first', numberParser('--from', integerFrom(0)))
    .option(
      '--question-seed <N>',
      "which pocket problems; shuffles a file's questions",
      numberParser('--question-seed', integerFrom(0)),
    )
    .option('--prompt <NAME>', 'how questions are asked: steps, boxed, hash, … (default: by task)');
}

export function questionOptions(flags: QuestionFlags): QuestionOptions {
  return {
    ...definedFields({
      task: flags.task,
      traffic: flags.traffic,
      split: flags.split,
      slice: flags.slice,
      count: flags.count,
      from: flags.from,
      questionSeed: flags.questionSeed,
      dataFolder: flags.data,
      prompt: flags.prompt,
    }),
  };
}
