/** Writes a file so that it is there whole or not at all. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError } from './evaluation/growing-file.ts';

/**
 * An older file stays until the new one is whole.
 * @throws PilotfishError `disk-full`, `file-system-failed`
 */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.tmp`, bytes);
    await rename(`${path}.tmp`, path);
  } catch (error) {
    throw fileError(error, path);
  }
}
