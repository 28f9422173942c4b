/** Hundreds of requests in a process that may use little memory: what they use is given back. */
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';

const REQUEST_COUNT = 150;
/** Of JavaScript objects, in MB: the program and a few requests, but not hundreds of them. */
const HEAP_MB = 64;
const GROWTH_MB_MAX = 48;

describe('a long run', () => {
  it('ends within a small heap, and the process does not grow', async () => {
    const args = [
      `--max-old-space-size=${HEAP_MB}`,
      ...['--import', 'tsx', 'test/pocket/long-run.ts', String(REQUEST_COUNT)],
    ];
    const { stdout } = await execa(process.execPath, args);
    const { asked, before, after } = JSON.parse(stdout);
    expect(asked).toBeGreaterThanOrEqual(REQUEST_COUNT);
    expect((after - before) / 2 ** 20).toBeLessThan(GROWTH_MB_MAX);
  });
});
