/**
 * A file of lines that only grows. What was added is on disk when `append` returns; a last line that
 * an interruption cut off is dropped at the next opening, and everything before it is whole.
 */
import { createReadStream, readFileSync, statSync, truncateSync } from 'node:fs';
import { appendFile, mkdir, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PilotfishError } from '../core/errors.ts';

/** An answer of a whole long context stays far below it. */
const LINE_BYTES_MAX = 64 * 2 ** 20;
const NEWLINE = 0x0a;

/**
 * The lines that are there, read as they are asked for; none where there is no file.
 * @throws PilotfishError `file-system-failed`
 */
export async function* linesOf(path: string): AsyncGenerator<string, void> {
  let wholeByteCount = 0;
  let parts: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        const line = Buffer.concat([...parts, chunk.subarray(from, end)]);
        parts = [];
        from = end + 1;
        wholeByteCount += line.length + 1;
        yield line.toString('utf8');
      }
      if (from < chunk.length) parts.push(chunk.subarray(from));
      checkLength(parts, path);
    }
    if (parts.length > 0) await truncate(path, wholeByteCount);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw fileError(error, path);
  }
}

/** A file that is read at one go is no longer. */
const WHOLE_BYTES_MAX = 256 * 2 ** 20;

/**
 * All lines of a short file at once, and before anything else happens: whoever waits for files at
 * random moments goes on at random moments.
 * @throws PilotfishError `file-system-failed`
 */
export function linesNow(path: string): readonly string[] {
  try {
    const { size } = statSync(path);
    if (size > WHOLE_BYTES_MAX) throw tooLong(path, WHOLE_BYTES_MAX);
    const bytes = readFileSync(path);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end < bytes.length) truncateSync(path, end);
    return bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
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

function checkLength(parts: readonly Buffer[], path: string): void {
  if (parts.reduce((sum, { length }) => sum + length, 0) <= LINE_BYTES_MAX) return;
  throw tooLong(path, LINE_BYTES_MAX);
}

function tooLong(path: string, byteCountMax: number): PilotfishError {
  const megabytes = byteCountMax / 2 ** 20;
  return new PilotfishError(
    'file-system-failed',
    `The file ${path}, or a line of it, exceeds ${megabytes} MiB.`,
    { remedy: 'Choose another folder.', fields: { path, byteCountMax } },
  );
}

/** What a file system said, as an operating error. */
export function fileError(error: unknown, path: string): PilotfishError {
  if (PilotfishError.isInstance(error)) return error;
  const { code = 'unknown', message } = error as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new PilotfishError(
    isFull ? 'disk-full' : 'file-system-failed',
    `The file ${path} cannot be used: ${message}.`,
    { remedy: 'Make room, or choose another folder.', fields: { path, code }, cause: error },
  );
}
