/** A result of `eval --json` from its file. */
import { PilotfishError } from '../../core/errors.ts';
import type { EvaluationResult } from '../../evaluation/results.ts';
import { parseResult } from '../../report/result-format.ts';
import { readGiven } from '../../storage/whole-file.ts';

/** Examples make results long. A thousand of them stay far below this limit. */
const RESULT_BYTES_MAX = 256 * 1024 * 1024;

/** @throws PilotfishError `result-invalid`, `file-system-failed` */
export async function readResult(path: string): Promise<EvaluationResult> {
  const tooLarge = (): PilotfishError => longResult(path);
  const bytes = await readGiven({ path, byteCountMax: RESULT_BYTES_MAX, tooLarge });
  return parseResult(bytes.toString('utf8'), path);
}

function longResult(path: string): PilotfishError {
  const megabytes = RESULT_BYTES_MAX / 2 ** 20;
  return new PilotfishError('result-invalid', `${path} exceeds ${megabytes} MiB.`, {
    remedy: 'Evaluate again with fewer examples.',
    fields: { path, byteCountMax: RESULT_BYTES_MAX },
  });
}
