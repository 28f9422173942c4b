/** Allows one process at a time in the folder of an evaluation or a training: two would mix their lines. */
import { join } from 'node:path';
import { PilotfishError } from '../../core/errors.ts';
import { FileLock } from '../../storage/file-lock.ts';

/** @throws PilotfishError `evaluation-invalid` if another process works in the folder */
export function evaluationLock(folder: string): Promise<FileLock> {
  return FileLock.acquire(join(folder, 'evaluation'), {
    refusal: ({ holder, pid, path }) =>
      new PilotfishError('evaluation-invalid', `${holder} works in ${folder} already.`, {
        remedy: `Wait for it, choose another folder with --out, or delete ${path} if nothing runs.`,
        fields: { folder, lock: path, pid },
      }),
    otherwise: 'choose another folder with --out',
  });
}
