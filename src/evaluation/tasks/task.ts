/** The interface of a task, whether its questions are generated or read from a file. */
import { PilotfishError } from '../../core/errors.ts';
import type { OnNotice } from '../../core/progress.ts';
import type { ShareInterval } from '../curves/share-interval.ts';
import { promptMessages } from '../prompts/prompts.ts';
import type { Question } from '../question.ts';

export interface LoadOptions {
  /** The name of one of the task's splits. */
  readonly split: string;
  /** The number of questions; default: all. Tasks with generated questions need it, or `ids`. */
  readonly count?: number | undefined;
  /** The number of questions to skip first; default 0. */
  readonly from?: number | undefined;
  /**
   * For generated questions, selects which ones; default 1. For questions of files, shuffles them
   * before `from` and `count` apply; default: the order of the file.
   */
  readonly seed?: number | undefined;
  /** The folder of data files, as in `<dataFolder>/gsm8k/test.jsonl`. */
  readonly dataFolder?: string | undefined;
  /** Only these questions, in this order: see slices/. */
  readonly ids?: readonly string[] | undefined;
  /** The name of a prompt; default: the task's. */
  readonly prompt?: string | undefined;
  /** Called about duplicates that were left out. */
  readonly onNotice?: OnNotice | undefined;
}

export interface Task {
  readonly name: string;
  readonly splits: readonly string[];
  /** The prompt where none is named; null: it depends on the kind of the question. */
  readonly defaultPrompt: string | null;
  /** The costs over which curves are compared unless another interval is asked for. */
  readonly interval: ShareInterval;
  /**
   * @throws PilotfishError `option-invalid` for an unknown split or prompt or an impossible range,
   *   `question-unknown` for unknown ids, `data-not-found`, `data-invalid`, `file-system-failed`
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
