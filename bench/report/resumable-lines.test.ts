import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ResumableLines } from './resumable-lines.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lines-'));
  path = join(folder, 'out.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(settings: Record<string, unknown>): Promise<ResumableLines<{ id: number }>> {
  return ResumableLines.open(path, settings, (line) => line as { id: number });
}

describe('ResumableLines', () => {
  it('finds the lines of an earlier run and continues after them', async () => {
    await (await open({ tokens: 64 })).add({ id: 1 });
    const again = await open({ tokens: 64 });
    expect(again.all).toEqual([{ id: 1 }]);
    await again.add({ id: 2 });
    expect((await open({ tokens: 64 })).all).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('drops a line that was cut off', async () => {
    await (await open({})).add({ id: 1 });
    appendFileSync(path, '{"id": 2');
    await (await open({})).add({ id: 3 });
    expect((await open({})).all).toEqual([{ id: 1 }, { id: 3 }]);
  });

  it('starts anew if even the settings were cut off', async () => {
    appendFileSync(path, '{"sett');
    await (await open({})).add({ id: 1 });
    expect(readFileSync(path, 'utf8')).toBe('{"settings":{}}\n{"id":1}\n');
  });

  it('refuses to continue a run with other settings', async () => {
    await open({ tokens: 64 });
    await expect(open({ tokens: 32 })).rejects.toMatchObject({ code: 'option-invalid' });
  });
});
