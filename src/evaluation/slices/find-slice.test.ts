import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { drawSlices } from '../../../scripts/draw-slices.ts';
import { findTask } from '../tasks/registry.ts';
import { DRAWN_SLICES } from './drawn-slices.ts';
import { findSlice, KNOWN_SLICES } from './find-slice.ts';

it('the slices in the library are the drawn ones', () => {
  expect(DRAWN_SLICES).toEqual(drawSlices());
});

it.each([
  ['gsm8k-test-400', 400, /^gsm8k\/test\/(\d|[1-9]\d{1,2}|1[0-2]\d\d|13[01]\d)$/],
  ['gsm8k-train-40', 40, /^gsm8k\/train\/(\d|[1-9]\d{1,2}|[1-7]\d{3})$/],
  ['svamp-test-400', 400, /^svamp\/test\/chal-(30[1-9]|3[1-9]\d|[4-9]\d\d|1000)$/],
  ['svamp-train-40', 40, /^svamp\/train\/chal-([1-9]|[1-9]\d|[12]\d\d|300)$/],
])('%s has %i questions of its split', async (name, count, id) => {
  const { task, split, ids } = await findSlice(name);
  expect(new Set(ids).size).toBe(count);
  expect(ids.filter((one) => !id.test(one))).toEqual([]);
  expect(findTask(task).splits).toContain(split);
  expect(name).toBe(`${task}-${split}-${count}`);
  // The ids are in the order of the draw.
  expect(ids).not.toEqual(ids.toSorted());
});

it('a slice may be a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pilotfish-slice-'));
  const path = join(folder, 'mine.json');
  const slice = { task: 'pocket', split: 'test', ids: ['pocket/test/1/5'] };
  await writeFile(path, JSON.stringify(slice));
  expect(await findSlice(path)).toEqual(slice);
  const { split, ids } = await findSlice(path);
  expect(await findTask('pocket').load({ split, ids })).toHaveLength(1);
  await writeFile(path, JSON.stringify({ ...slice, task: 1, ids: [] }));
  await expect(findSlice(path)).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringMatching(/task: .*; ids: /),
  });
  await writeFile(path, '{');
  await expect(findSlice(path)).rejects.toMatchObject({ code: 'data-invalid' });
  await rm(folder, { recursive: true });
  await expect(findSlice(path)).rejects.toMatchObject({ code: 'data-not-found' });
});

it('an unknown slice is refused by name', async () => {
  await expect(findSlice('gsm8k-test-9')).rejects.toMatchObject({
    code: 'slice-unknown',
    remedy: expect.stringContaining([...KNOWN_SLICES.keys()].join(', ')),
  });
});
