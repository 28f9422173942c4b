/** Hundreds of requests in a process with little memory: the memory is given back. */
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';

const REQUEST_COUNT = 150;
/**
 * The heap for JavaScript objects, in MB: enough for the program and a few requests, but not for
 * hundreds.
 */
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
