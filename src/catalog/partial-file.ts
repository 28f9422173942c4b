/**
 * The received part of a model, beside its target: `NAME.partial`, with a note in
 * `NAME.partial.json` that identifies the content.
 * Invariant: the partial file is a prefix of the content that the note names. So any source of the
 * same content can continue where another stopped, and a pull continues where it was cut. Only
 * `finish` makes the target appear, whole and hashed.
 */
import { type FileHandle, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { fileDigest } from '../storage/file-digest.ts';
import { readJson } from '../storage/whole-file.ts';
import type { CatalogContext } from './catalog-context.ts';
import { ANOTHER_HOME, diskFull, fileSystemError } from './file-system-error.ts';
import { ownReceiptPath, type PulledSource, writeJson, writeReceipt } from './receipt.ts';

/** The digest and size of the finished file. */
export interface Content {
  readonly sha256: string;
  readonly bytes: number;
}

const NOTE = z.object({ sha256: z.string(), bytes: z.number() });

export function partialPath(target: string): string {
  return `${target}.partial`;
}

export async function removePartial(target: string): Promise<void> {
  await rm(partialPath(target), { force: true });
  await rm(notePath(target), { force: true });
}

function notePath(target: string): string {
  return `${partialPath(target)}.json`;
}

export class PartialFile {
  readonly #target: string;
  readonly #content: Content;
  readonly #context: CatalogContext;
  readonly #file: FileHandle;
  #size: number;

  private constructor(
    target: string,
    content: Content,
    opened: { context: CatalogContext; file: FileHandle; size: number },
  ) {
    this.#target = target;
    this.#content = content;
    this.#context = opened.context;
    this.#file = opened.file;
    this.#size = opened.size;
  }

  /**
   * Opens the partial file for `content`, and keeps the bytes of it that are already there.
   * @param workBytes space that the source needs besides the file itself
   * @throws PilotfishError `disk-full` before anything is written, `file-system-failed`
   */
  static async open(
    target: string,
    content: Content,
    context: CatalogContext,
    workBytes: number = 0,
  ): Promise<PartialFile> {
    const path = partialPath(target);
    try {
      await mkdir(dirname(target), { recursive: true });
      const isSame = await hasNoteOf(target, content);
      if (!isSame) {
        await removePartial(target);
        await writeJson(notePath(target), content);
      }
      const file = await context.disk.open(path, 'a+');
      const partial = new PartialFile(target, content, { context, file, size: 0 });
      try {
        const { size } = await file.stat();
        partial.#size = size;
        if (size > content.bytes) await partial.truncate(0);
        await partial.#checkRoom(workBytes);
        return partial;
      } catch (error) {
        await partial.close();
        throw error;
      }
    } catch (error) {
      throw fileSystemError(error, 'open', path);
    }
  }

  /** The count of received bytes. */
  get size(): number {
    return this.#size;
  }

  get isComplete(): boolean {
    return this.#size === this.#content.bytes;
  }

  /** Appends. On failure the bytes before `chunk` stay, and the invariant holds. */
  async append(chunk: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < chunk.byteLength; ) {
        const { bytesWritten } = await this.#file.write(chunk, written);
        written += bytesWritten;
        this.#size += bytesWritten;
      }
    } catch (error) {
      throw fileSystemError(error, 'write', partialPath(this.#target));
    }
  }

  async truncate(size: number): Promise<void> {
    if (size >= this.#size) return;
    await this.#file.truncate(size);
    this.#size = size;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #checkRoom(workBytes: number): Promise<void> {
    const free = await this.#context.disk.freeBytes(dirname(this.#target));
    const missing = this.#content.bytes - this.#size + workBytes - free;
    if (missing > 0) throw diskFull(dirname(this.#target), missing);
  }
}

/**
 * Hashes the complete partial file and, if the digest is right, renames it to its target.
 * @throws PilotfishError `digest-mismatch`; then the partial file is gone
 */
export async function finishPartial(
  target: string,
  expected: { readonly content: Content; readonly name: string; readonly source: PulledSource },
  context: CatalogContext,
): Promise<void> {
  const { content, name, source } = expected;
  const path = partialPath(target);
  const sha256 = await fileDigest(path, `Verifying ${name}`, {
    ...context,
    otherwise: ANOTHER_HOME,
  });
  if (sha256 !== content.sha256) {
    await removePartial(target);
    throw digestMismatch(name, { path: target, expected: content.sha256, actual: sha256 });
  }
  try {
    // The receipt first. A rename keeps the modification time, and a receipt without a file does no
    // harm. A hub file without a receipt would have no digest to be checked against.
    await writeReceipt(ownReceiptPath(target), path, { sha256, source });
    await rename(path, target);
  } catch (error) {
    throw fileSystemError(error, 'write', target);
  }
}

export function digestMismatch(
  name: string,
  seen: { readonly path: string; readonly expected: string; readonly actual: string },
  remedy = 'Run it again: it starts over. If that fails too, use another source.',
): PilotfishError {
  const message =
    `The bytes of ${name} are wrong: ` + `sha256 ${seen.actual} instead of ${seen.expected}.`;
  return new PilotfishError('digest-mismatch', message, { remedy, fields: { name, ...seen } });
}

async function hasNoteOf(target: string, content: Content): Promise<boolean> {
  const note = await readJson(notePath(target), NOTE);
  return note?.sha256 === content.sha256 && note.bytes === content.bytes;
}
