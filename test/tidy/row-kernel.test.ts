/** The kernel's bytes are those of its source. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { assembledSource, BYTES_FILE } from '../../scripts/row-kernel.ts';

it('the kernel was assembled from its source (npm run kernel)', async () => {
  expect(readFileSync(BYTES_FILE, 'utf8')).toBe(await assembledSource());
});
