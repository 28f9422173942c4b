/**
 * A note beside a model file that its bytes were hashed. As long as the size and modification time
 * match the note, the file is trusted, and "verified before first use" costs nothing.
 * Invariant: a receipt is written only after a hash of the very bytes it names. Files of other
 * programs have their receipts in our own folder, keyed by path.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson, writeWhole } from '../storage/whole-file.ts';
import type { CatalogContext } from './catalog-context.ts';
import { ANOTHER_HOME } from './file-system-error.ts';

const SOURCES = ['path', 'cache', 'hub-cache', 'llama-cpp-cache', 'hub', 'pypi'] as const;

/** The source of the bytes of a file with a receipt or, for caches, their place. */
export type PulledSource = (typeof SOURCES)[number];

/** The source of a model's bytes or, for caches and this package, their place. */
export type ModelSource = PulledSource | 'package';

export interface Receipt {
  readonly sha256: string;
  readonly bytes: number;
  /** Null after a hash did not match: the file is hashed again before its next use. */
  readonly mtimeMs: number | null;
  readonly source: PulledSource;
  readonly verifiedAt: string;
}

const RECEIPT: z.ZodType<Receipt> = z.object({
  sha256: z.string(),
  bytes: z.number(),
  mtimeMs: z.number().nullable(),
  source: z.enum(SOURCES),
  verifiedAt: z.string(),
});

/** The receipt of a file in our own cache, which is beside the file. */
export function ownReceiptPath(modelPath: string): string {
  return `${modelPath}.json`;
}

/** The receipt of a file that belongs to another program. */
export function foreignReceiptPath(modelPath: string, context: CatalogContext): string {
  const key = createHash('sha256').update(modelPath).digest('hex').slice(0, 32);
  return join(context.home, 'receipts', `${key}.json`);
}

/** The receipt, or null if there is no readable one: then the file is hashed again. */
export function readReceipt(receiptPath: string): Promise<Receipt | null> {
  return readJson(receiptPath, RECEIPT);
}

export async function isTrusted(receipt: Receipt, modelPath: string): Promise<boolean> {
  const { size, mtimeMs } = await stat(modelPath);
  return receipt.bytes === size && receipt.mtimeMs === mtimeMs;
}

/** Records that the file at `modelPath` was just hashed to `sha256`. */
export async function writeReceipt(
  receiptPath: string,
  modelPath: string,
  { sha256, source }: Pick<Receipt, 'sha256' | 'source'>,
): Promise<void> {
  const { size, mtimeMs } = await stat(modelPath);
  const verifiedAt = new Date().toISOString();
  await writeJson(receiptPath, { sha256, bytes: size, mtimeMs, source, verifiedAt });
}

/** Keeps the expected digest, but no longer says that the file has it. */
export async function distrust(receiptPath: string, receipt: Receipt): Promise<void> {
  await writeJson(receiptPath, { ...receipt, mtimeMs: null });
}

/** @throws PilotfishError `disk-full`, `file-system-failed` */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeWhole(path, `${JSON.stringify(value)}\n`, ANOTHER_HOME);
}
