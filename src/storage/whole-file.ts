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
 * Writes beside the file and renames, so that an older file stays until the new one is whole. Makes
 * the folder. Two writers at once, in one process or in two, leave the file of one of them.
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
    await writeFile(draft, content);
    await rename(draft, path);
  } catch (error) {
    // It may not be there, nor its folder.
    await rm(draft, { force: true }).catch(() => undefined);
    throw fileError(error, { action: 'write', path, otherwise });
  }
}

/**
 * The bytes of a file of our own; null where there is none.
 * @throws PilotfishError `file-system-failed`
 */
export async function readWhole(
  path: string,
  otherwise: string = OTHERWISE,
): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    // Not ENOTDIR: where a file is in the place of the folder, nothing can be written either.
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileError(error, { action: 'read', path, otherwise });
  }
}

/** The value of a file of JSON; null where it cannot be read, or holds another kind of value. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return schema.safeParse(parseJson(text)).data ?? null;
}

export interface GivenFile extends Omit<FileAccess, 'action'> {
  /** Default: "read". */
  readonly action?: string | undefined;
  readonly byteCountMax: number;
  /** The refusal of a longer file. */
  readonly tooLarge: (byteCount: number) => PilotfishError;
  /** The refusal of a file that is not there. Default: as of any other that cannot be read. */
  readonly missing?: ((cause: unknown) => PilotfishError) | undefined;
  /** The refusal of a folder or a device. Default: a folder cannot be read; a device or pipe is. */
  readonly notAFile?: (() => PilotfishError) | undefined;
}

/**
 * The bytes of a file that the user named. Its size is checked first: a model that is named by mistake
 * would fill the memory.
 * @throws PilotfishError a refusal of `given`, `file-system-failed` or the code of `given`
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
