/** What a task is, whether its questions are made or read from a file. */
import { PilotfishError } from '../../core/errors.ts';
import type { OnNotice } from '../../core/progress.ts';
import { promptMessages } from '../prompts/prompts.ts';
import type { Question } from '../question.ts';

export interface LoadOptions {
  /** One of the task's. */
  readonly split: string;
  /** How many questions; default: all. Tasks that make their questions need it, or `ids`. */
  readonly count?: number | undefined;
  /** How many to pass over first; default 0. */
  readonly from?: number | undefined;
  /**
   * Made questions: which ones; default 1. Questions of files: shuffles them before `from` and `count`
   * apply; default: the order of the file.
   */
  readonly seed?: number | undefined;
  /** Where data files are, as `<dataFolder>/gsm8k/test.jsonl`. */
  readonly dataFolder?: string | undefined;
  /** These questions alone, in this order: see slices/. */
  readonly ids?: readonly string[] | undefined;
  /** The name of a prompt; default: the task's. */
  readonly prompt?: string | undefined;
  /** Told of duplicates that were left out. */
  readonly onNotice?: OnNotice | undefined;
}

export interface Task {
  readonly name: string;
  readonly splits: readonly string[];
  /** The prompt that is used where none is named; null: by the kind of the question. */
  readonly defaultPrompt: string | null;
  /**
   * @throws PilotfishError `option-invalid` for a split, prompt or range that is not there,
   * `question-unknown` for ids that are not, `data-not-found`, `data-invalid`, `file-system-failed`
   */
  load(options: LoadOptions): Promise<readonly Question[]>;
}

/** A question before it is put in a prompt. */
export type BareQuestion = Omit<Question, 'messages'>;

export function prompted(
  questions: readonly BareQuestion[],
  { prompt }: LoadOptions,
  { defaultPrompt }: Pick<Task, 'defaultPrompt'>,
): readonly Question[] {
  const name = prompt ?? defaultPrompt ?? undefined;
  return questions.map((question) => ({ ...question, messages: promptMessages(question, name) }));
}

export function checkSplit({ name, splits }: Pick<Task, 'name' | 'splits'>, split: string): void {
  if (splits.includes(split)) return;
  throw new PilotfishError('option-invalid', `The task ${name} has no split "${split}".`, {
    remedy: `Use one of ${splits.join(', ')}.`,
    fields: { task: name, split },
  });
}
