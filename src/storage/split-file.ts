/**
 * Models in several files, as llama.cpp splits them: NAME-00001-of-00003.gguf and so on. The first part
 * stands for the whole; llama.cpp finds the others beside it, by their names.
 */
import { stat } from 'node:fs/promises';
import { PilotfishError } from '../core/errors.ts';

const PART = /^(.*-)(\d{5})(-of-)(\d{5})(\.gguf)$/is;
const DIGITS = 5;

/**
 * The paths of all parts of a model, in order: the path itself for a model in one file.
 * @throws PilotfishError `model-file-invalid` for a part that is not the first, `model-file-missing` for
 *   a part that is not beside the first
 */
export async function partPaths(path: string): Promise<readonly string[]> {
  const [, before = '', number = '', of = '', count = '', after = ''] = PART.exec(path) ?? [];
  if (Number(count) < 1) return [path];
  const partAt = (place: number): string =>
    `${before}${String(place).padStart(DIGITS, '0')}${of}${count}${after}`;
  if (Number(number) !== 1) throw notTheFirst(path, partAt(1));
  const paths = Array.from({ length: Number(count) }, (_, index) => partAt(index + 1));
  for (const part of paths.slice(1)) {
    const found = await stat(part).catch(() => null);
    if (found?.isFile() !== true) throw missing(part, paths.length);
  }
  return paths;
}

function notTheFirst(path: string, first: string): PilotfishError {
  return new PilotfishError('model-file-invalid', `${path} is a later part of a split model.`, {
    remedy: `Give the first part, ${first}: the others are found beside it.`,
    fields: { path, first },
  });
}

function missing(path: string, partCount: number): PilotfishError {
  return new PilotfishError(
    'model-file-missing',
    `The model has ${partCount} parts, and there is no file at ${path}.`,
    { remedy: 'Put all parts into one folder, and keep their names.', fields: { path, partCount } },
  );
}
