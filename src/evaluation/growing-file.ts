/**
 * A file of lines that only grows. What was added is on disk when `append` returns; a last line that
 * an interruption cut off is dropped at the next opening, and everything before it is whole.
 */
import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PilotfishError } from '../core/errors.ts';

/** @returns the lines that are there; none where there is no file */
export async function readLines(path: string): Promise<readonly string[]> {
  try {
    const text = await readFile(path, 'utf8');
    const end = text.lastIndexOf('\n') + 1;
    if (end < text.length) await truncate(path, Buffer.byteLength(text.slice(0, end)));
    return text.slice(0, end).split('\n').slice(0, -1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileError(error, path);
  }
}

export async function appendLines(path: string, values: readonly unknown[]): Promise<void> {
  if (values.length === 0) return;
  try {
    await mkdir(dirname(path), { recursive: true });
    await appendFile(path, values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  } catch (error) {
    throw fileError(error, path);
  }
}

/** The value of a JSON text; undefined where it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fileError(error: unknown, path: string): PilotfishError {
  const { code = 'unknown', message } = error as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new PilotfishError(
    isFull ? 'disk-full' : 'file-system-failed',
    `The file ${path} cannot be used: ${message}.`,
    { remedy: 'Make room, or choose another folder.', fields: { path, code }, cause: error },
  );
}
