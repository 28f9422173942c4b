/**
 * Slices by their names: the known ones come with this package (drawn-slices.ts); anybody's own is a
 * file `{task, split, ids}`.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { DRAWN_SLICES } from './drawn-slices.ts';
import type { Slice } from './slice.ts';

export const KNOWN_SLICES: ReadonlyMap<string, Slice> = new Map(
  Object.entries(DRAWN_SLICES).map(([name, { task, split, prefix, numbers }]) => {
    return [name, { task, split, ids: numbers.map((number) => `${prefix}${number}`) }];
  }),
);

const SLICE = z.object({
  task: z.string().min(1),
  split: z.string().min(1),
  ids: z.array(z.string().min(1)).min(1),
});

/**
 * @param name a known slice's, or the path of a `.json` file
 * @throws PilotfishError `slice-unknown`, `data-not-found`, `data-invalid`
 */
export async function findSlice(name: string): Promise<Slice> {
  const known = KNOWN_SLICES.get(name);
  if (known !== undefined) return known;
  if (name.endsWith('.json')) return await readSlice(name);
  throw new PilotfishError('slice-unknown', `There is no slice "${name}".`, {
    remedy: `Use one of ${[...KNOWN_SLICES.keys()].join(', ')}, or the path of a .json file.`,
    fields: { slice: name },
  });
}

async function readSlice(path: string): Promise<Slice> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new PilotfishError('data-not-found', `The slice ${path} cannot be read.`, {
      remedy: 'Check the path and its permissions.',
      fields: { path },
      cause: error,
    });
  }
  const checked = SLICE.safeParse(jsonOrNull(text));
  if (checked.success) return checked.data;
  const problems = checked.error.issues.map(
    ({ path: at, message }) => `${at.join('.')}: ${message}`,
  );
  throw new PilotfishError('data-invalid', `${path} is not a slice: ${problems.join('; ')}.`, {
    remedy: 'Write {"task": …, "split": …, "ids": […]}.',
    fields: { path },
  });
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
