import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { evaluationLock } from './evaluation-lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

it('lets one evaluation into a folder at a time, and leaves nothing behind', async () => {
  {
    await using _first = await evaluationLock(folder);
    await expect(evaluationLock(folder)).rejects.toMatchObject({
      code: 'evaluation-invalid',
      message: `Process ${process.pid} works in ${folder} already.`,
    });
    expect(await readdir(folder)).toEqual(['evaluation.lock']);
  }
  await using _next = await evaluationLock(folder);
  await using _other = await evaluationLock(join(folder, 'another'));
  expect((await readdir(folder)).sort()).toEqual(['another', 'evaluation.lock']);
});
