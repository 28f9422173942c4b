import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { parseJson } from '../core/parse-json.ts';
import { appendLines, linesNow, linesOf } from './json-lines.ts';

/** How often two processes add at the same time. */
const TURN_COUNT = runs(5, 20);

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-lines-'));
  path = join(folder, 'deep', 'lines.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(from = path): Promise<string[]> {
  const lines: string[] = [];
  for await (const { text } of linesOf(from)) lines.push(text);
  return lines;
}

describe('a file of lines', () => {
  it('has no lines before it exists, and then the lines that were added', async () => {
    expect([await read(), linesNow(path)]).toEqual([[], []]);
    await appendLines(path, []);
    expect(await read()).toEqual([]);
    await appendLines(path, [{ a: 'ü\n' }, [1, 2]]);
    await appendLines(path, ['x']);
    expect((await read()).map((line) => parseJson(line))).toEqual([{ a: 'ü\n' }, [1, 2], 'x']);
  });

  it('is whole again after a cut at any byte, and accepts more lines', async () => {
    await mkdir(join(folder, 'deep'));
    const values = ['ä€😀', { long: 'x'.repeat(70_000) }, [1], 'end'];
    const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), async (length) => {
        await writeFile(path, bytes.subarray(0, length));
        const whole = bytes.subarray(0, length).toString('latin1').split('\n').length - 1;
        expect(linesNow(path).map((line) => parseJson(line))).toEqual(values.slice(0, whole));
        expect((await read()).map((line) => parseJson(line))).toEqual(values.slice(0, whole));
        await appendLines(path, ['more']);
        expect((await read()).map((line) => parseJson(line))).toEqual([
          ...values.slice(0, whole),
          'more',
        ]);
        expect(linesNow(path)).toEqual(await read());
      }),
      { numRuns: 60 },
    );
  });

  it('keeps long lines whole when they are added at the same time', async () => {
    const long = ['a', 'b', 'c'].map((letter) => letter.repeat(1_200_000));
    for (let round = 1; round <= 3; round += 1) {
      await Promise.all(long.map((value) => appendLines(path, [value])));
      const values = (await read()).map((line) => parseJson(line));
      expect(values.map((value) => String(value)[0]).sort()).toEqual(
        ['a', 'b', 'c'].flatMap((letter) => Array(round).fill(letter)),
      );
      expect(values.every((value) => long.includes(String(value)))).toBe(true);
    }
  });

  it('keeps long lines whole when two processes add them at the same time', async () => {
    const script = `
      import { existsSync, writeFileSync } from 'node:fs';
      import { appendLines } from ${JSON.stringify(join(import.meta.dirname, 'json-lines.ts'))};
      const [mine, other] = process.argv.slice(-2);
      const folder = ${JSON.stringify(folder)};
      writeFileSync(folder + '/' + mine, '');
      while (!existsSync(folder + '/' + other)) await new Promise((resolve) => setTimeout(resolve, 1));
      for (let turn = 0; turn < ${TURN_COUNT}; turn += 1) {
        await appendLines(${JSON.stringify(path)}, [mine.repeat(1_100_000)]);
      }`;
    const run = (...names: readonly string[]) =>
      promisify(execFile)(process.execPath, [
        ...['--import', 'tsx', '--input-type=module', '--eval', script],
        ...names,
      ]);
    await Promise.all([run('a', 'b'), run('b', 'a')]);
    // A process may see half of the other one's line, and then writes an end of line first.
    const lines = linesNow(path).filter((line) => line !== '');
    expect(lines).toHaveLength(2 * TURN_COUNT);
    expect(lines.filter((line) => !/^"(a{1100000}|b{1100000})"$/.test(line))).toHaveLength(0);
  });

  it('accepts lines again after an append failed', async () => {
    await mkdir(path, { recursive: true });
    const failed = await Promise.allSettled([appendLines(path, ['a']), appendLines(path, ['b'])]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await rm(path, { recursive: true });
    await appendLines(path, ['c']);
    expect(linesNow(path)).toEqual(['"c"']);
  });

  it('is not changed by a reader that stops early, nor by one that reads it all at once', async () => {
    await appendLines(path, ['a', 'b']);
    await appendFile(path, '"cut');
    for await (const line of linesOf(path)) {
      expect(line).toEqual({ text: '"a"', offset: 0, byteCount: 4 });
      break;
    }
    expect(await readFile(path, 'utf8')).toBe('"a"\n"b"\n"cut');
    // Another process may be writing this last line.
    expect(linesNow(path)).toEqual(['"a"', '"b"']);
    expect(await readFile(path, 'utf8')).toBe('"a"\n"b"\n"cut');
    await appendLines(path, ['c']);
    expect(linesNow(path)).toEqual(['"a"', '"b"', '"cut', '"c"']);
  });

  it('names the file that cannot be used', async () => {
    await mkdir(path, { recursive: true });
    const refusal = { code: 'file-system-failed', fields: { path } };
    await expect(read()).rejects.toMatchObject(refusal);
    expect(() => linesNow(path)).toThrow(expect.objectContaining({ code: refusal.code }));
    await expect(appendLines(path, ['a'])).rejects.toMatchObject(refusal);
  });

  it.skipIf(!existsSync('/dev/full'))('reports a full disk', async () => {
    await expect(appendLines('/dev/full', ['a'])).rejects.toMatchObject({
      code: 'disk-full',
      message: 'Could not write /dev/full: the disk is full (ENOSPC).',
      remedy: 'Free some space, or choose another folder.',
    });
  });
});
