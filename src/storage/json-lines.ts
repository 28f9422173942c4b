/**
 * An append-only file of lines. When `appendLines` returns, its values are on disk, and begin on a
 * line of their own even after an interrupted write.
 *
 * - `linesOf` is for files of one process: it drops a last line that was cut off.
 * - `linesNow` is for files that several processes may write: it changes nothing. It may find empty
 *   lines, because a process may take the unfinished line of another one for a line that was cut
 *   off, and end it once more.
 */
import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PilotfishError } from '../core/errors.ts';
import { errnoOf, fileError } from './file-error.ts';
import { splitLines } from './split-lines.ts';

/** A line that is written can be read: both ways have this limit. */
const LINE_BYTES_MAX = 256 * 2 ** 20;
const NEWLINE = 0x0a;

/** The place of a line in its file, its end included. */
export interface LinePlace {
  readonly offset: number;
  readonly byteCount: number;
}

export interface PlacedLine extends LinePlace {
  readonly text: string;
}

/**
 * The whole lines, read on demand; none where there is no file.
 * @throws PilotfishError `file-system-failed`
 */
export async function* linesOf(path: string): AsyncGenerator<PlacedLine, void> {
  let offset = 0;
  try {
    const tooLongLine = (): PilotfishError => tooLong(path, LINE_BYTES_MAX);
    for await (const { bytes, isEnded } of splitLines(
      createReadStream(path),
      LINE_BYTES_MAX,
      tooLongLine,
    )) {
      if (!isEnded) {
        await truncate(path, offset);
        return;
      }
      const byteCount = bytes.length + 1;
      yield { text: bytes.toString('utf8'), offset, byteCount };
      offset += byteCount;
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw lineError(error, 'read', path);
  }
}

/** The longest file that is read all at once. */
const WHOLE_BYTES_MAX = 256 * 2 ** 20;

/**
 * All whole lines of a short file, read synchronously: an asynchronous read would continue at a
 * random moment. Another process may be writing a line after the last one.
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
    if (errnoOf(error) === 'ENOENT') return [];
    throw lineError(error, 'read', path);
  }
}

/**
 * The line at a place.
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
    throw lineError(error, 'read', path);
  }
}

/** The last append to each file in this process. Settled appends are removed. */
const lastAppends = new Map<string, Promise<unknown>>();

/** Adds values as lines of JSON; see `appendTexts`. */
export async function appendLines(path: string, values: readonly unknown[]): Promise<void> {
  await appendTexts(
    path,
    values.map((value) => JSON.stringify(value)),
  );
}

/**
 * Appends lines, given without their ends. The lines of one call stay together. Concurrent calls in
 * this process wait for each other; other processes see one write at the end of the file.
 * @returns the offset of the first line, which is right unless another process appends at the same
 *   time
 * @throws PilotfishError `file-system-failed` for a line past the limit, before anything is written;
 *   `disk-full`, `file-system-failed`; some of the lines may be on disk then
 */
export async function appendTexts(path: string, texts: readonly string[]): Promise<number> {
  if (texts.length === 0) return 0;
  for (const text of texts) checkLength(Buffer.byteLength(text), path);
  const before = lastAppends.get(path) ?? Promise.resolve();
  const append = before.then(() => appendText(path, texts.map((text) => `${text}\n`).join('')));
  // The next append runs whether or not this one failed.
  const settled = append.catch(() => undefined);
  lastAppends.set(path, settled);
  try {
    return await append;
  } finally {
    if (lastAppends.get(path) === settled) lastAppends.delete(path);
  }
}

async function appendText(path: string, text: string): Promise<number> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(path, 'a+');
    const { size } = await file.stat();
    const before = (await endsInLine(file, size)) ? '\n' : '';
    const bytes = Buffer.from(`${before}${text}`);
    // Not `appendFile`, which writes in parts. Only a nearly full disk writes fewer bytes than
    // given.
    for (let from = 0; from < bytes.length; ) {
      from += (await file.write(bytes, from)).bytesWritten;
    }
    return size + before.length;
  } catch (error) {
    throw lineError(error, 'write', path);
  }
}

/** Whether the last line was cut off. */
async function endsInLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: size - 1 });
  return buffer[0] !== NEWLINE;
}

function checkLength(byteCount: number, path: string): void {
  if (byteCount <= LINE_BYTES_MAX) return;
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

function lineError(error: unknown, action: string, path: string): unknown {
  return fileError(error, { action, path, otherwise: 'choose another folder' });
}
