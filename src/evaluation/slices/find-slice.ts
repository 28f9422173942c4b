/**
 * Slices by name. The known slices come with this package (drawn-slices.ts); a slice of the user is
 * a file `{task, split, ids}`.
 */
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import { readGiven } from '../../storage/whole-file.ts';
import { DRAWN_SLICES } from './drawn-slices.ts';
import type { Slice } from './slice.ts';

export const KNOWN_SLICES: ReadonlyMap<string, Slice> = new Map(
  Object.entries(DRAWN_SLICES).map(([name, { task, split, prefix, numbers }]) => {
    return [name, { task, split, ids: numbers.map((number) => `${prefix}${number}`) }];
  }),
);

/** Enough for millions of questions. */
const SLICE_BYTES_MAX = 64 * 2 ** 20;

const SLICE = z.object({
  task: z.string().min(1),
  split: z.string().min(1),
  ids: z.array(z.string().min(1)).min(1),
});

/**
 * @param name the name of a known slice, or the path of a `.json` file
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
  const bytes = await readGiven({
    ...{ path, code: 'data-not-found' },
    byteCountMax: SLICE_BYTES_MAX,
    tooLarge: (byteCount) => noSlice(path, `it has ${byteCount} bytes`),
  });
  const checked = SLICE.safeParse(parseJson(bytes.toString('utf8')) ?? null);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.map(
    ({ path: at, message }) => `${at.join('.')}: ${message}`,
  );
  throw noSlice(path, problems.join('; '));
}

function noSlice(path: string, why: string): PilotfishError {
  return new PilotfishError('data-invalid', `${path} is not a slice: ${why}.`, {
    remedy: 'Write {"task": …, "split": …, "ids": […]}.',
    fields: { path },
  });
}
