/**
 * A file of lines that only grows. What was added is on disk when `appendLines` returns, and begins a
 * line whatever an interruption left behind. `linesOf` is for files of one process: it drops a last
 * line that was cut off. `linesNow` is for files that several processes may write: it changes nothing,
 * and may find empty lines: who adds while another process writes can take its line for a cut-off one,
 * and ends it once more.
 */
import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, truncate } from 'node:fs/promises';
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
 * All whole lines of a short file at once, and before anything else happens: whoever waits for files
 * at random moments goes on at random moments. What follows the last of them may be what another
 * process is writing just now.
 * @throws PilotfishError `file-system-failed`
 */
export function linesNow(path: string): readonly string[] {
  try {
    const { size } = statSync(path);
    if (size > WHOLE_BYTES_MAX) throw tooLong(path, WHOLE_BYTES_MAX);
    const bytes = readFileSync(path);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    return bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileError(error, path);
  }
}

/** Where in a file lines are, with their ends. */
export interface LinePlace {
  readonly offset: number;
  readonly byteCount: number;
}

/**
 * A line that is there.
 * @throws PilotfishError `file-system-failed`
 */
export function lineAt(path: string, { offset, byteCount }: LinePlace): string {
  const bytes = Buffer.alloc(byteCount - 1);
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, bytes, 0, bytes.length, offset);
    } finally {
      closeSync(file);
    }
    return bytes.toString('utf8');
  } catch (error) {
    throw fileError(error, path);
  }
}

/** What comes last in each file that this process adds to now. Settled ones are forgotten. */
const lastAppends = new Map<string, Promise<unknown>>();

/**
 * Lines of one call stay together, and those of calls at the same time follow each other: in this
 * process they wait for each other, and other processes find one write, at the file's end.
 * @returns where they begin, if no other process adds to the file now
 * @throws PilotfishError `disk-full`, `file-system-failed`; some of it may be there then
 */
export async function appendLines(path: string, values: readonly unknown[]): Promise<LinePlace> {
  const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
  if (values.length === 0) return { offset: 0, byteCount: 0 };
  const before = lastAppends.get(path) ?? Promise.resolve();
  const append = before.then(() => appendText(path, text));
  // Whoever comes next does not care whether this one failed.
  const settled = append.catch(() => undefined);
  lastAppends.set(path, settled);
  try {
    return await append;
  } finally {
    if (lastAppends.get(path) === settled) lastAppends.delete(path);
  }
}

async function appendText(path: string, text: string): Promise<LinePlace> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(path, 'a+');
    const { size } = await file.stat();
    const before = (await endsInLine(file, size)) ? '\n' : '';
    const bytes = Buffer.from(`${before}${text}`);
    // Not `appendFile`, which writes in parts. Only a disk that is nearly full takes less than all.
    for (let from = 0; from < bytes.length; ) {
      from += (await file.write(bytes, from)).bytesWritten;
    }
    return { offset: size + before.length, byteCount: bytes.length - before.length };
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Whether the last line is not whole. */
async function endsInLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: size - 1 });
  return buffer[0] !== NEWLINE;
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
