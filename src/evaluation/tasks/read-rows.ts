/**
 * Reads data files row by row: JSON lines or one JSON array, with each row checked field by field.
 */
import type { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { parseExactJson } from '../../core/parse-json.ts';
import { readGiven } from '../../storage/whole-file.ts';

/** Larger than any set of questions. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;

export interface DataFile {
  readonly path: string;
  readonly format: 'jsonl' | 'json';
  /** The remedy where the file does not exist. */
  readonly remedy: string;
}

export interface Row<T> {
  readonly value: T;
  /** `line 17` or `item 17`, counted from 1. */
  readonly place: string;
}

/** @throws PilotfishError `data-not-found`, `data-invalid`, `file-system-failed` */
export async function readRows<T>(
  file: DataFile,
  schema: z.ZodType<T>,
): Promise<readonly Row<T>[]> {
  const text = await readText(file);
  const rows = file.format === 'jsonl' ? parsedLines(file, text) : parsedItems(file, text);
  if (rows.length === 0) throw invalidData(file.path, null, 'holds no questions');
  return rows.map(({ value, place }) => {
    const checked = schema.safeParse(value);
    if (checked.success) return { value: checked.data, place };
    const problems = checked.error.issues.map(({ path, message }) => {
      return path.length === 0 ? message : `${path.join('.')}: ${message}`;
    });
    throw invalidData(file.path, place, problems.join('; '));
  });
}

/** @param place null: the file as a whole */
export function invalidData(path: string, place: string | null, problem: string): PilotfishError {
  const where = place === null ? path : `${path}, ${place}`;
  return new PilotfishError('data-invalid', `${where}: ${problem}.`, {
    remedy: 'Correct the file, or fetch it again from where it is published.',
    fields: { path, place, problem },
  });
}

function parsedLines({ path }: DataFile, text: string): readonly Row<unknown>[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const place = `line ${index + 1}`;
    return [{ value: parsed(line, path, place), place }];
  });
}

function parsedItems({ path }: DataFile, text: string): readonly Row<unknown>[] {
  const value = parsed(text, path, null);
  if (!Array.isArray(value)) throw invalidData(path, null, 'is not a JSON array');
  return value.map((item: unknown, index) => ({ value: item, place: `item ${index + 1}` }));
}

function parsed(text: string, path: string, place: string | null): unknown {
  return parseExactJson(text, (cause) =>
    invalidData(path, place, `is not JSON (${String(cause)})`),
  );
}

async function readText({ path, remedy }: DataFile): Promise<string> {
  const bytes = await readGiven({
    path,
    byteCountMax: FILE_BYTES_MAX,
    tooLarge: (byteCount) =>
      invalidData(path, null, `has ${byteCount} bytes, more than ${FILE_BYTES_MAX}`),
    missing: (cause) =>
      new PilotfishError('data-not-found', `There is no file ${path}.`, {
        remedy,
        fields: { path },
        cause,
      }),
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalidData(path, null, 'is not text in UTF-8');
  }
}
