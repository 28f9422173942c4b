/** Loads the questions that a user names: a task with a split or slice, traffic, or a training set. */
import { basename } from 'node:path';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import type { OnNotice } from '../../core/progress.ts';
import { FOUR_DOUBLINGS, type ShareInterval } from '../../evaluation/curves/share-interval.ts';
import type { Question } from '../../evaluation/question.ts';
import { findSlice } from '../../evaluation/slices/find-slice.ts';
import { JSONL_EXTENSION } from '../../evaluation/tasks/jsonl.ts';
import { POCKET } from '../../evaluation/tasks/pocket-task.ts';
import { findTask } from '../../evaluation/tasks/registry.ts';
import { select } from '../../evaluation/tasks/select.ts';
import type { Task } from '../../evaluation/tasks/task.ts';
import { loadTraffic } from '../../evaluation/tasks/traffic.ts';

export interface QuestionOptions {
  /** A known task, or the path of a `.jsonl` file. */
  readonly task?: string | undefined;
  /** Instead of a task: a file of prompts without answers (see evaluation/tasks/traffic.ts). */
  readonly traffic?: string | undefined;
  /** Default: the preferred split (see `loadQuestions`), `test`, or the first split of the task. */
  readonly split?: string | undefined;
  /** A fixed selection of questions, instead of split and count. */
  readonly slice?: string | undefined;
  readonly count?: number | undefined;
  readonly from?: number | undefined;
  /** Chooses the pocket problems, or the order of a file's questions. */
  readonly questionSeed?: number | undefined;
  readonly dataFolder?: string | undefined;
  readonly prompt?: string | undefined;
  /** Told of duplicates that were left out. */
  readonly onNotice?: OnNotice | undefined;
}

export interface LoadedQuestions {
  /** The name in results: the task with its split, or the slice. */
  readonly task: string;
  readonly questions: readonly Question[];
  /** The name of the prompt around the questions; null if they are asked as they are. */
  readonly prompt: string | null;
  /** The costs over which curves are compared on these questions. */
  readonly interval: ShareInterval;
}

/**
 * @param splitPreferred the split to take if the options name none and the task has it; default `test`
 * @throws PilotfishError `option-invalid`, `task-unknown`, `slice-unknown`,
 *   `question-unknown`, `data-not-found`, `data-invalid`
 */
export async function loadQuestions(
  options: QuestionOptions,
  splitPreferred = 'test',
): Promise<LoadedQuestions> {
  const { slice, count, traffic } = options;
  if (traffic !== undefined) {
    checkTrafficOptions(options);
    const all = await loadTraffic(traffic);
    const questions = select(all, { seed: options.questionSeed, from: options.from, count });
    return { task: basename(traffic), prompt: null, questions, interval: FOUR_DOUBLINGS };
  }
  if (options.task === undefined) throw noTask();
  const found = slice === undefined ? null : await findSlice(slice);
  if (found !== null && found.task !== options.task) throw otherTask(options, found.task);
  const task = findTask(options.task);
  const split = found?.split ?? options.split ?? defaultSplit(task, splitPreferred);
  const ids = found?.ids.slice(0, count);
  const questions = await task.load({
    ...{ split, ids },
    count: ids === undefined ? count : undefined,
    from: options.from,
    seed: options.questionSeed,
    dataFolder: options.dataFolder,
    prompt: options.prompt,
    onNotice: options.onNotice,
  });
  const prompt = options.prompt ?? task.defaultPrompt;
  const { interval } = task;
  return { task: slice ?? `${task.name}/${split}`, questions, prompt, interval };
}

/** @param name a `.jsonl` file, or a task and its split, as `gsm8k/train` */
export async function trainingQuestions(
  name: string,
  { dataFolder }: QuestionOptions,
): Promise<readonly Question[]> {
  if (name.endsWith(JSONL_EXTENSION)) {
    const task = findTask(name);
    return await task.load({ split: defaultSplit(task), dataFolder });
  }
  const [taskName = '', split] = name.split('/');
  const task = findTask(taskName);
  if (task.name === POCKET.name) throw endless(name);
  return await task.load({ split: split ?? 'train', dataFolder });
}

/** Refuses options that have no meaning for traffic. @throws PilotfishError `option-invalid` */
function checkTrafficOptions(options: QuestionOptions): void {
  const { task, split, slice, prompt } = options;
  const wrong = Object.entries({ task, split, slice, prompt }).find(([, value]) => value);
  if (wrong === undefined) return;
  throw new PilotfishError('option-invalid', `Traffic has no ${wrong[0]}.`, {
    remedy: `Leave out --${wrong[0]}: prompts of --traffic are asked as they are.`,
    fields: { option: wrong[0], value: String(wrong[1]) },
  });
}

function noTask(): PilotfishError {
  return new PilotfishError('option-invalid', 'No questions were chosen: --task is missing.', {
    remedy: 'Give --task; train, calibrate and fit also take --traffic, prompts without answers.',
    fields: { option: '--task' },
  });
}

function endless(name: string): PilotfishError {
  return new PilotfishError(
    'option-invalid',
    `${name} has no end, so nothing can be looked up in it.`,
    {
      remedy: 'Leave it out: problems of its other splits are never in it.',
      fields: { option: '--trained-on', value: name },
    },
  );
}

function defaultSplit({ splits }: Pick<Task, 'splits'>, preferred = 'test'): string {
  const wanted = [preferred, 'test'].find((split) => splits.includes(split));
  return wanted ?? required(splits[0], 'a task has a split');
}

function otherTask({ slice = '', task = '' }: QuestionOptions, of: string): PilotfishError {
  return new PilotfishError(
    'option-invalid',
    `The slice ${slice} is of the task ${of}, not of ${task}.`,
    { remedy: `Give --task ${of}.`, fields: { slice, task } },
  );
}
