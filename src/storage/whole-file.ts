/** Files that are written whole or not at all, and read whole. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import type { PilotfishError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import { errnoOf, type FileAccess, fileError, isMissing } from './file-error.ts';

const OTHERWISE = 'choose another folder';

/**
 * Writes a draft beside the file and renames it, so that an older file stays until the new one is
 * whole. Creates the folder. Of two concurrent writers, in one process or in two, one wins. A device or
 * a pipe, such as `/dev/stdout`, is written in place: a renamed file would take its place.
 * @param otherwise see `FileAccess`
 * @throws PilotfishError `disk-full`, `file-system-failed`; nothing is left behind then
 */
export async function writeWhole(
  path: string,
  content: Uint8Array | string,
  otherwise: string = OTHERWISE,
): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    if (await isStream(path)) return await writeFile(path, content);
    await writeFile(draft, content);
    await rename(draft, path);
  } catch (error) {
    // The draft may not exist, nor its folder.
    await rm(draft, { force: true }).catch(() => undefined);
    throw fileError(error, { action: 'write', path, otherwise });
  }
}

async function isStream(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => null);
  return stats !== null && !stats.isFile() && !stats.isDirectory();
}

/**
 * The bytes of one of our own files; null where it does not exist.
 * @throws PilotfishError `file-system-failed`
 */
export async function readWhole(
  path: string,
  otherwise: string = OTHERWISE,
): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    // ENOTDIR is an error: where a file is in the place of the folder, nothing can be written
    // either.
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileError(error, { action: 'read', path, otherwise });
  }
}

/** The value of a JSON file; null where it cannot be read, or does not fit the schema. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return schema.safeParse(parseJson(text)).data ?? null;
}

export interface GivenFile extends Omit<FileAccess, 'action'> {
  /** Default: "read". */
  readonly action?: string | undefined;
  readonly byteCountMax: number;
  /** The error for a longer file. */
  readonly tooLarge: (byteCount: number) => PilotfishError;
  /** The error for a missing file. Default: that of any other file that cannot be read. */
  readonly missing?: ((cause: unknown) => PilotfishError) | undefined;
  /**
   * The error for a folder or a device. Default: a folder cannot be read; a device or pipe is read.
   */
  readonly notAFile?: (() => PilotfishError) | undefined;
}

/**
 * The bytes of a file that the user named. The size is checked first: a model named by mistake
 * would fill the memory.
 * @throws PilotfishError an error of `given`, or `file-system-failed`, or the code of `given`
 */
export async function readGiven(given: GivenFile): Promise<Buffer> {
  const { path, byteCountMax, tooLarge, missing, notAFile, action = 'read' } = given;
  try {
    const stats = await stat(path);
    if (notAFile !== undefined && !stats.isFile()) throw notAFile();
    if (stats.size > byteCountMax) throw tooLarge(stats.size);
    return await readFile(path);
  } catch (error) {
    if (missing !== undefined && isMissing(error)) throw missing(error);
    throw fileError(error, { ...given, action });
  }
}
