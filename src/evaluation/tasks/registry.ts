/** The tasks by name. */
import { PilotfishError } from '../../core/errors.ts';
import { GSM8K } from './gsm8k.ts';
import { JSONL_EXTENSION, jsonlTask } from './jsonl.ts';
import { MATH500 } from './math500.ts';
import { POCKET } from './pocket-task.ts';
import { STRATEGYQA } from './strategyqa.ts';
import { SVAMP } from './svamp.ts';
import type { Task } from './task.ts';

export const TASKS: readonly Task[] = [POCKET, GSM8K, SVAMP, MATH500, STRATEGYQA];

/**
 * @param name the name of a known task, or the path of a `.jsonl` file
 * @throws PilotfishError `task-unknown`
 */
export function findTask(name: string): Task {
  const known = TASKS.find((task) => task.name === name);
  if (known !== undefined) return known;
  if (name.endsWith(JSONL_EXTENSION)) return jsonlTask(name);
  throw new PilotfishError('task-unknown', `There is no task "${name}".`, {
    remedy: `Use one of ${TASKS.map((task) => task.name).join(', ')}, or the path of a .jsonl file.`,
    fields: { task: name },
  });
}
