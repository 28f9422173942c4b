/**
 * Stores the trees of questions and the readings of their steps, so that none is grown or read twice.
 * Readings remain in their file, because those of all trees may exceed the memory.
 */
import { z } from 'zod';
import { tokenIds } from '../../core/token-id.ts';
import { RecordStore, recordReader } from '../../storage/record-store.ts';
import type { StepReadings } from './read-steps.ts';
import type { StepTree } from './step-tree.ts';

/** A question in its prompt, grown in one way. */
export interface TreeKey {
  /** The question's id and a digest of everything that its tree depends on. */
  readonly key: string;
}

export interface KeptTree extends TreeKey {
  readonly tree: StepTree;
}

export interface KeptReadings extends TreeKey {
  readonly readings: StepReadings;
}

export type TreeStore = RecordStore<KeptTree, TreeKey>;
export type ReadingStore = RecordStore<KeptReadings, TreeKey>;

const COUNT = z.number().int().nonnegative();
const EDGE = z
  .object({ tokens: z.array(COUNT).min(1), to: COUNT })
  .transform(({ tokens, to }) => ({ tokens: tokenIds(tokens), to }));

const TREE: z.ZodType<KeptTree> = z.object({
  key: z.string(),
  tree: z.array(
    z.object({ value: z.number().nullable(), small: EDGE.nullable(), large: EDGE.nullable() }),
  ),
});

/** @throws PilotfishError `training-invalid`, naming the line; `file-system-failed` */
export function openTrees(path: string): Promise<TreeStore> {
  return RecordStore.open<KeptTree, TreeKey>(path, {
    noun: 'tree of steps',
    read: recordReader(TREE),
    keyOf: ({ key }) => key,
    code: 'training-invalid',
    remedy: 'Delete the line: the tree is grown again.',
  });
}

/** Halves as base64 of their bytes, little-endian. */
const HALVES = z.string().transform((text) => {
  const bytes = Buffer.from(text, 'base64');
  return new Uint16Array(new Uint8Array(bytes).buffer);
});

const READINGS: z.ZodType<KeptReadings> = z.object({
  key: z.string(),
  readings: z.array(HALVES.nullable()),
});

/** Trees whose readings remain in memory. */
const RECENT_COUNT = 8;

/** @throws PilotfishError `training-invalid`, naming the line; `file-system-failed` */
export function openReadings(path: string): Promise<ReadingStore> {
  return RecordStore.open<KeptReadings, TreeKey>(path, {
    noun: 'reading of steps',
    read: recordReader(READINGS),
    lineOf: ({ key, readings }) => ({ key, readings: readings.map(encoded) }),
    keyOf: ({ key }) => key,
    code: 'training-invalid',
    remedy: 'Delete the line: the steps are read again.',
    memory: { recentCount: RECENT_COUNT },
  });
}

function encoded(halves: Uint16Array | null): string | null {
  if (halves === null) return null;
  return Buffer.from(halves.buffer, halves.byteOffset, halves.byteLength).toString('base64');
}
