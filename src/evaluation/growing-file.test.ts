import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendLines, linesNow, linesOf, parsedJson } from './growing-file.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-lines-'));
  path = join(folder, 'deep', 'lines.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(from = path): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(from)) lines.push(line);
  return lines;
}

describe('a file of lines', () => {
  it('has none where it is not there, and what was added where it is', async () => {
    expect([await read(), linesNow(path)]).toEqual([[], []]);
    await appendLines(path, []);
    expect(await read()).toEqual([]);
    await appendLines(path, [{ a: 'ü\n' }, [1, 2]]);
    await appendLines(path, ['x']);
    expect((await read()).map(parsedJson)).toEqual([{ a: 'ü\n' }, [1, 2], 'x']);
  });

  it('is whole again after a cut at any byte, and can be added to', async () => {
    await mkdir(join(folder, 'deep'));
    const values = ['ä€😀', { long: 'x'.repeat(70_000) }, [1], 'end'];
    const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), fc.boolean(), async (length, isAtOnce) => {
        await writeFile(path, bytes.subarray(0, length));
        const whole = bytes.subarray(0, length).toString('latin1').split('\n').length - 1;
        if (isAtOnce) expect(linesNow(path).map(parsedJson)).toEqual(values.slice(0, whole));
        else expect((await read()).map(parsedJson)).toEqual(values.slice(0, whole));
        await appendLines(path, ['more']);
        expect((await read()).map(parsedJson)).toEqual([...values.slice(0, whole), 'more']);
        expect(linesNow(path)).toEqual(await read());
      }),
      { numRuns: 60 },
    );
  });

  it('is left as it is by whoever stops reading', async () => {
    await appendLines(path, ['a', 'b']);
    await appendFile(path, '"cut');
    for await (const line of linesOf(path)) {
      expect(line).toBe('"a"');
      break;
    }
    expect(await readFile(path, 'utf8')).toBe('"a"\n"b"\n"cut');
  });

  it('says which file cannot be used', async () => {
    await mkdir(path, { recursive: true });
    const refusal = { code: 'file-system-failed', fields: { path } };
    await expect(read()).rejects.toMatchObject(refusal);
    expect(() => linesNow(path)).toThrow(expect.objectContaining({ code: refusal.code }));
    await expect(appendLines(path, ['a'])).rejects.toMatchObject(refusal);
  });
});
