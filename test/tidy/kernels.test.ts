/** The kernels' bytes match their sources. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { assembledSource, KERNELS } from '../../scripts/assemble-kernels.ts';

it.each(KERNELS)('$source was assembled (npm run kernel)', async (kernel) => {
  expect(readFileSync(kernel.bytes, 'utf8')).toBe(await assembledSource(kernel));
});
